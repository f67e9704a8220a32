import type { Uploads } from "@bulkhead/ledger";

/** How long nobody else may append after the last sign of a writer, and how often it gives one, in milliseconds. */
export const leaseMs = 15_000;
const renewMs = 4000;

export interface UploadWriter {
  readonly uploads: Pick<Uploads, "keep">;
  readonly tenant: string | undefined;
  /** The upload. */
  readonly id: string;
  /** Who has claimed it. */
  readonly writer: string;
  readonly expiryMs: number;
}

/** Keeps an upload its writer's while `work` runs. */
export const whileWriting = async <R>(
  { uploads, tenant, id, writer, expiryMs }: UploadWriter,
  work: () => Promise<R>,
): Promise<R> => {
  const timer = setInterval(() => {
    // One that could not be renewed is noticed with the next note.
    void uploads.keep(tenant, id, writer, { leaseMs, expiryMs }).catch(() => undefined);
  }, renewMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await uploads.keep(tenant, id, writer, { leaseMs: 0, expiryMs }).catch(() => undefined);
  }
};
