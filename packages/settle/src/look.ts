import {
  type Backend,
  type BackendPath,
  isFileError,
  isRoot,
  type OpContext,
  segmentsOf,
} from "@bulkhead/contract";
import { walk } from "@bulkhead/kit";
import type { Accounted, Fact, FoundFile } from "./ports.ts";

/** A storage and what it is charged with. */
export interface Charged {
  readonly accounted: Accounted;
  readonly mount: string;
  readonly backend: Backend;
}

/** Files whose charge changes in one transaction. */
const batch = 1000;

/** The last character that no path holds, and the first. */
const [last, first] = ["\u{10ffff}", "\u0001"];

/** Charges what lies below a directory, in batches, each whole in itself. */
export const countBelow = async (
  { accounted, mount, backend }: Charged,
  tenant: string | undefined,
  ctx: OpContext,
  path: BackendPath,
): Promise<void> => {
  let low = isRoot(path) ? "" : `${path}/`;
  const high = isRoot(path) ? last : `${path}0`;
  let found: FoundFile[] = [];
  for await (const entry of walk(backend, ctx, path)) {
    if (entry.kind === "directory") continue;
    const at = [...segmentsOf(path), ...entry.path].join("/");
    found.push({ path: at, size: entry.size, etag: entry.etag });
    if (found.length < batch) continue;
    await accounted.set(mount, tenant, low, at + first, found);
    low = at;
    found = [];
  }
  await accounted.set(mount, tenant, low, high, found);
};

const isMissing = (error: unknown): boolean =>
  isFileError(error, "not-found") || isFileError(error, "not-directory");

/** Looks at what is stored at a path. Of a directory, what lies below is charged before this resolves. */
export const look = async (
  charged: Charged,
  tenant: string | undefined,
  ctx: OpContext,
  path: BackendPath,
): Promise<Fact> => {
  try {
    const stat = await charged.backend.stat(ctx, path);
    if (stat.kind === "file") return { is: "file", path, size: stat.size, etag: stat.etag };
    await countBelow(charged, tenant, ctx, path);
    return { is: "directory", path };
  } catch (error) {
    if (isMissing(error)) return { is: "gone", path };
    throw error;
  }
};
