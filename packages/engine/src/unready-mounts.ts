import type { Mount } from "@bulkhead/vfs";
import { HeldElsewhere } from "./held.ts";

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
