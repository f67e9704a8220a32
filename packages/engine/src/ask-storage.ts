import { s3 } from "@bulkhead/backend-s3";
import { FileError } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { verifyResidency } from "@bulkhead/resilience";
import { mountPlace } from "./mount-place.ts";
import type { BackendSpec } from "./mount-spec.ts";
import { bucketOptions } from "./open-bucket.ts";
import { type MountView, storageOf } from "./plan-mounts.ts";

const askMs = 10_000;

/**
 * Opens a bucket that is not mounted, asks whether it answers and where it is, and closes it; writes nothing there. A
 * folder is not asked: it is made when the mount opens.
 */
export const askStorage =
  (backends: Readonly<Record<string, BackendSpec>>): MountView["ask"] =>
  async (input, credentials) => {
    const storage = storageOf(input);
    const placed = { id: "asked", backend: input.backend, storage, tenantUid: undefined };
    const found = mountPlace(backends, placed);
    if (found?.bucket === undefined) {
      if (credentials !== undefined)
        throw new FileError("invalid-request", "This backend takes no credentials.");
      return;
    }
    const { spec, bucket } = found;
    const place = { ...bucket, ...(credentials && { credentials: async () => credentials }) };
    const signal = AbortSignal.timeout(askMs);
    const backend = await s3({ ...(await bucketOptions({ spec, place })), readOnly: true });
    try {
      await backend.probe(plainContext({ requestId: "mounts", signal }));
      await verifyResidency(backend, spec.region);
    } finally {
      await backend.close();
    }
  };
