import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import {
  FileError,
  isFileError,
  isUnder,
  parseBackendPath,
  type TenantRecord,
} from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { type JobHandler, type Ledger, type RunningJob, runtimeMountId } from "@bulkhead/ledger";
import type { Mount } from "@bulkhead/vfs";
import { bucketNotes } from "./bucket-notes.ts";
import { signCertificate } from "./certificate.ts";
import type { MountTemplates } from "./mount-templates.ts";
import type { RootsTable } from "./roots.ts";
import type { TenantBuckets } from "./tenant-buckets.ts";

export interface DeleteTenantOptions {
  readonly ledger: Ledger;
  readonly roots: RootsTable;
  readonly templates: MountTemplates;
  readonly buckets: Pick<TenantBuckets, "drop">;
  readonly certificateKey: Uint8Array;
}

/** How long audit entries outlive their tenant. */
const auditKeptDays = 365;

/** Removes what a tenant has, its storage first and its ledger rows last, and certifies it. Every step can be repeated. */
export const deleteTenant =
  ({ ledger, roots, templates, buckets, certificateKey }: DeleteTenantOptions): JobHandler =>
  async ({ tenantUid: uid, progress }, control) => {
    if (uid === undefined) throw new Error("A deletion names its tenant.");
    const tenant = await ledger.tenants.byUid(uid);
    if (tenant === undefined) throw new Error("There is no such tenant.");
    // What is on its way is brought to an end first, by the job that knows how.
    if (await ledger.moves.ending(uid))
      throw new FileError("unavailable", "A move of the tenant has to end first.");
    if (await ledger.mounts.retiring(uid))
      throw new FileError("unavailable", "What was unmounted has to be taken away first.");
    await roots.catchUp(undefined);
    const own = roots.rootsOf(uid);
    const { notes, report } = bucketNotes(await notedOf(ledger, tenant, progress), control);
    // They go as a whole, below.
    const made = new Set(
      (await ledger.provisioning.buckets(uid)).map(({ id }) => runtimeMountId(id)),
    );
    const mounts = [...roots.table().mounts()]
      .filter(({ id }) => !made.has(id))
      .filter((mount) => own.some((root) => isUnder(root.path, mount.path)))
      // The deepest first: what is mounted inside a root goes before the root.
      .sort((a, b) => b.path.length - a.path.length);

    const removed: Record<string, unknown>[] = [];
    const kept: Record<string, unknown>[] = [];
    // What an earlier attempt emptied may be closed and its folder gone, and is not asked again.
    const done: Record<string, Emptied> = emptiedBefore(progress);
    const mountedTrees = [...roots.stored().values()].filter(
      (mount) => mount.tenant?.uid === uid && templates.storedTrees.isTree(mount),
    );
    const trees = new Set(
      [...own.filter(templates.isTree), ...mountedTrees].map(({ path }) => path),
    );
    let recounted = [...trees].some((path) => done[path] !== undefined);
    // A tree goes as a whole, row batch by row batch, when its folder is gone; here it is only counted, all at once.
    const count = async (): Promise<Emptied> => {
      if (recounted) return {};
      recounted = true;
      return { ...(await ledger.trees.recount(uid)).found };
    };
    for (const mount of mounts) {
      control.signal.throwIfAborted();
      const based = own.find((root) => root.path === mount.path && templates.hasDatabase(root));
      const emptied = (done[mount.path] ??=
        mount.brought === true
          ? { kept: "brought by who mounted it" }
          : trees.has(mount.path)
            ? await count()
            : based === undefined
              ? await empty(mount, control.signal)
              : { ...(await templates.weigh(based)) });
      await report({ emptied: done });
      (emptied.kept === undefined ? removed : kept).push({
        what: "files",
        where: mount.path,
        ...emptied,
      });
    }
    for (const mount of mountedTrees) {
      const id = runtimeMountId(mount.id);
      const opened = roots.table().mountsAt(mount.path);
      await opened.find((one) => one.id === id)?.backend.close();
      if (!made.has(id)) await templates.storedTrees.erase(mount, control.signal);
      await templates.storedTrees.drop(mount);
    }
    const before = await ledger.moves.copies({ tenantUid: uid });
    for (const { root } of before) {
      const what = "content left by a move";
      const { path: where, placement } = root;
      if (templates.isTree(root)) {
        await templates.erase(root);
        removed.push({ what, where, placement });
      } else kept.push({ what, where, placement, kept: "its placement is not configured" });
    }
    for (const root of own) {
      await roots.table().mountAt(root.path)?.backend.close();
      const folder = templates.folderOf(root);
      const untouched = done[root.path]?.["kept"] !== undefined;
      if (untouched) continue;
      if (folder !== undefined) await rm(dirname(folder), { recursive: true, force: true });
      else if (!(await templates.eraseBucket(root, control.signal))) continue;
      await templates.drop(
        root,
        before.map((copy) => copy.root).filter(({ generation }) => generation === root.generation),
      );
    }
    for (const { bucket, path: where, gone } of await buckets.drop(uid, notes, control.signal))
      if (gone) removed.push({ what: "bucket", where, name: bucket });
      else kept.push({ what: "bucket", where, name: bucket, kept: "not the one that was made" });
    const based = own.find(templates.hasDatabase);
    // An earlier attempt may have dropped it already, and its name is noted all the same.
    const database = based === undefined ? undefined : await templates.dropDatabase(based);
    if (database !== undefined) removed.push({ what: "database", name: database, role: database });
    const { keys, subjects, relations, models, shares } = await ledger.tenants.counts(uid);
    removed.push(
      { what: "keys", count: keys },
      { what: "subjects", count: subjects },
      { what: "relations", count: relations },
      { what: "models", count: models },
      { what: "shares", count: shares },
      { what: "roots", paths: tenant.roots },
    );
    const now = Date.now();
    const at = new Date(now).toISOString();
    const until = new Date(now + auditKeptDays * 86_400_000).toISOString();
    kept.push({ what: "audit", until });
    const certificate = signCertificate(
      { tenant: tenant.id, uid, at, removed, kept },
      certificateKey,
    );
    await ledger.tenants.finishRemoval(uid, { ...certificate });
    return certificate;
  };

/** The notes of this job; of the one that made the tenant, too, where it did not come to its end. */
const notedOf = async (
  ledger: Pick<Ledger, "jobs">,
  { provisioning }: TenantRecord,
  progress: RunningJob["progress"],
): Promise<RunningJob["progress"]> => {
  const making = typeof provisioning === "string" ? await ledger.jobs.get(provisioning) : undefined;
  const named = [making?.progress["buckets"], progress["buckets"]];
  return { ...progress, buckets: named.flatMap((one) => (Array.isArray(one) ? one : [])) };
};

type Emptied = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Readonly<Record<string, Emptied>> =>
  typeof value === "object" && value !== null;

const emptiedBefore = ({ emptied }: Readonly<Record<string, unknown>>): Record<string, Emptied> =>
  isRecord(emptied) ? { ...emptied } : {};

const empty = async (mount: Mount, signal: AbortSignal): Promise<Emptied> => {
  try {
    const result = await mount.backend.remove(
      plainContext({ signal, requestId: "job" }),
      parseBackendPath(""),
      {
        recursive: true,
      },
    );
    return "job" in result ? {} : { files: result.files, bytes: result.bytes };
  } catch (error) {
    if (isFileError(error, "forbidden")) return { kept: "mounted read-only" };
    throw error;
  }
};
