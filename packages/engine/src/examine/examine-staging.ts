import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { Finding } from "@bulkhead/contract";
import { dataDirHolder, type ExaminedLedger } from "@bulkhead/ledger";
import { type ExamineOptions, storagesOf } from "./examine-options.ts";

/** Longer than anything is on its way while a server runs. */
const oldMs = 3_600_000;
/** A root of a tenant lies two folders below its placement's: the tenant's, and the root's own. */
const depth = 2;
const most = 100_000;

interface Left {
  entries: number;
  bytes: number;
  readonly examples: string[];
}

const below = async function* (folder: string): AsyncGenerator<string> {
  const opened = await opendir(folder).catch(() => undefined);
  if (opened === undefined) return;
  for await (const { name } of opened) yield join(folder, name);
};

async function* storesIn(folder: string, levels: number): AsyncGenerator<string> {
  yield join(folder, ".bulkhead");
  if (levels === 0) return;
  for await (const inner of below(folder))
    if ((await lstat(inner).catch(() => undefined))?.isDirectory() === true)
      yield* storesIn(inner, levels - 1);
}

const count = async (store: string, before: number, left: Left): Promise<void> => {
  for (const part of ["staging", "trash"])
    for await (const file of below(join(store, part))) {
      const stats = await lstat(file).catch(() => undefined);
      if (stats === undefined || stats.ctimeMs > before || left.entries >= most) continue;
      left.entries += 1;
      left.bytes += stats.size;
      if (left.examples.length < 3) left.examples.push(file);
    }
};

/** Looks for what interrupted writes left. Where no server runs nothing is on its way, whatever its age. */
export const examineStaging = async (
  options: ExamineOptions,
  ledger: ExaminedLedger | undefined,
): Promise<readonly Finding[]> => {
  const { dataDir } = options;
  const isServed =
    (await dataDirHolder(dataDir)) !== undefined ||
    options.answers === true ||
    (ledger?.holders.length ?? 0) > 0;
  const left: Left = { entries: 0, bytes: 0, examples: [] };
  const before = isServed ? Date.now() - oldMs : Number.POSITIVE_INFINITY;
  const folders = new Map<string, number>([
    [join(dataDir, "platform"), 0],
    [join(dataDir, "content"), depth],
    [join(dataDir, "tenants"), depth],
    ...storagesOf({ ...options, mounts: [] }).flatMap(({ spec }) =>
      spec.options.root === undefined ? [] : [[spec.options.root, depth] as const],
    ),
    // What lies in these are files, as many as there may be.
    ...options.mounts.flatMap((spec) =>
      spec.options.root === undefined ? [] : [[spec.options.root, 0] as const],
    ),
  ]);
  for (const [folder, levels] of folders)
    for await (const store of storesIn(folder, levels)) {
      options.signal.throwIfAborted();
      await count(store, before, left);
    }
  for await (const file of below(dataDir))
    if (!isServed && file.startsWith(join(dataDir, "postgres.unfinished-"))) {
      left.entries += 1;
      if (left.examples.length < 3) left.examples.push(file);
    }
  const check = "staging";
  if (left.entries === 0)
    return [{ check, state: "ok", detail: "Nothing was left of interrupted writes." }];
  return [
    {
      check,
      state: "warning",
      detail: `Interrupted writes left ${left.entries} hidden files or folders, ${left.bytes} bytes: ${left.examples.join(", ")}${left.entries > left.examples.length ? ", …" : ""}`,
      next: isServed
        ? "The server takes them away within a day; if they stay, read its log for collect-failed."
        : "Start the server: it settles and removes them when it opens the storage. Nothing that was acknowledged is among them.",
    },
  ];
};
