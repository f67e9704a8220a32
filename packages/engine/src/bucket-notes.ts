import type { JobControl } from "@bulkhead/ledger";
import type { BucketNotes } from "./tenant-buckets.ts";

type Progress = Readonly<Record<string, unknown>>;

/** Keeps a job's notes of buckets in its progress, beside whatever else is reported there. */
export const bucketNotes = (
  before: Progress,
  control: Pick<JobControl, "progress">,
): {
  readonly notes: BucketNotes;
  /** Reports the job's progress, the notes with it. */
  readonly report: (progress: Progress) => Promise<void>;
} => {
  const { buckets, ...rest } = before;
  const noted = new Set<unknown>(Array.isArray(buckets) ? buckets : []);
  let latest: Progress = rest;
  const report = async (progress: Progress): Promise<void> => {
    latest = progress;
    await control.progress({ ...latest, ...(noted.size > 0 && { buckets: [...noted] }) });
  };
  return {
    report,
    notes: {
      has: (bucket) => noted.has(bucket),
      set: async (bucket, about) => {
        if (noted.has(bucket) === about) return;
        if (about) noted.add(bucket);
        else noted.delete(bucket);
        await report(latest);
      },
    },
  };
};
