import { z } from "zod";

/** A page of records; `next` is null on the last one, and goes into `?after=` as it is. */
export interface RecordPage<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** The schema of a page of what `item` describes. */
export const recordPage = <T>(item: z.ZodType<T>): z.ZodType<RecordPage<T>> =>
  z.object({ items: z.array(item), next: z.string().nullable() });
