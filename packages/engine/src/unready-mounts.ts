import type { Mount } from "@bulkhead/vfs";
import { HeldElsewhere } from "./held.ts";
import type { RootsTable } from "./roots.ts";

/** Mounts whose storage does not answer. One that another process serves is that one's to report. */
export const unreadyMounts = async (mounts: readonly Mount[]): Promise<readonly string[]> => {
  const probes = await Promise.allSettled(mounts.map((mount) => mount.backend.region()));
  return mounts
    .filter((_, i) => {
      const probe = probes[i];
      return probe?.status === "rejected" && !(probe.reason instanceof HeldElsewhere);
    })
    .map((mount) => `mount ${mount.path}`);
};

/** The mounts that are no tenant's root: those of the configuration, and those made while the server runs. */
export const sharedMounts = ({
  table,
  rootAt,
}: Pick<RootsTable, "table" | "rootAt">): readonly Mount[] =>
  [...table().mounts()].filter(({ path }) => rootAt(path)?.path !== path);
