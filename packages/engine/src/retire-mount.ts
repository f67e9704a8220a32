import { FileError, parseVirtualPath } from "@bulkhead/contract";
import type { JobHandler, Ledger, StoredMount } from "@bulkhead/ledger";
import type { StoredTrees } from "./stored-trees.ts";

export interface RetireMountOptions {
  readonly ledger: Pick<Ledger, "mounts">;
  readonly trees: Pick<StoredTrees, "isTree" | "erase" | "drop">;
}

/** Takes away what an unmounted tree has left: its history, and the contents of that. Every step can be repeated. */
export const retireMount =
  ({ ledger, trees }: RetireMountOptions): JobHandler =>
  async ({ payload }, { signal }) => {
    const mount = retiredOf(payload["mount"]);
    if (!trees.isTree(mount))
      throw new FileError(
        "unavailable",
        `The backend '${mount.backend}' of what was unmounted is not configured.`,
      );
    await trees.erase(mount, signal);
    await trees.drop(mount);
    await ledger.mounts.retired(mount);
    return { path: mount.path };
  };

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** What the job was left of the mount, checked. */
const retiredOf = (value: unknown): StoredMount => {
  if (!isRecord(value)) throw new Error("A retirement names its mount.");
  const { tenant, storage } = value;
  const told = isRecord(storage) ? storage : {};
  const text = (name: string): string | undefined => {
    const found = told[name];
    return typeof found === "string" ? found : undefined;
  };
  return {
    id: String(value["id"]),
    path: parseVirtualPath(String(value["path"])),
    tenant: isRecord(tenant)
      ? { uid: String(tenant["uid"]), id: String(tenant["id"]), status: "active" }
      : undefined,
    backend: String(value["backend"]),
    storage: { folder: text("folder"), bucket: text("bucket") },
    priority: 0,
    generation: Number(value["generation"]),
    sealed: value["sealed"] === true,
    createdAt: 0,
    createdBy: "",
    updatedAt: 0,
  };
};
