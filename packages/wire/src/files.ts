import { child, type RequestPath, type Stat } from "@bulkhead/contract";
import { z } from "zod";
import { millisOf, timeOf, timeOrNull, timestamp } from "./time.ts";

/** A file or directory as `/v1` answers it. `path` is spelled as the caller addressed it; `etag` has no quotes. */
export interface FileStat {
  readonly path: string;
  readonly name: string;
  readonly kind: "file" | "directory";
  readonly size: number;
  readonly etag: string | null;
  readonly contentType: string | null;
  readonly createdAt: string | null;
  readonly modifiedAt: string;
  readonly version: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export const fileStat: z.ZodType<FileStat> = z.object({
  path: z.string(),
  name: z.string(),
  kind: z.enum(["file", "directory"]),
  size: z.int().min(0),
  etag: z.string().nullable(),
  contentType: z.string().nullable(),
  createdAt: timestamp.nullable(),
  modifiedAt: timestamp,
  version: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
});

/** Renders what was found at `path`. */
export const fileStatOf = (path: RequestPath, stat: Stat): FileStat => ({
  path,
  name: stat.name,
  kind: stat.kind,
  size: stat.size,
  etag: stat.etag ?? null,
  contentType: stat.contentType ?? null,
  createdAt: timeOrNull(stat.createdAt),
  modifiedAt: timeOf(stat.modifiedAt),
  version: stat.version ?? null,
  metadata: stat.metadata ?? {},
});

/** Renders an entry of the directory at `path`. */
export const entryOf = (path: RequestPath, stat: Stat): FileStat =>
  fileStatOf(child(path, stat.name), stat);

/** Turns an answer back into what a `Store` answers. */
export const statOf = (wire: FileStat): Stat => ({
  name: wire.name,
  kind: wire.kind,
  size: wire.size,
  modifiedAt: millisOf(wire.modifiedAt),
  ...(wire.createdAt !== null && { createdAt: millisOf(wire.createdAt) }),
  ...(wire.etag !== null && { etag: wire.etag }),
  ...(wire.contentType !== null && { contentType: wire.contentType }),
  ...(wire.version !== null && { version: wire.version }),
  ...(Object.keys(wire.metadata).length > 0 && { metadata: wire.metadata }),
});

/** A page of a listing; `next` is null on the last one, and goes into `?after=` as it is. */
export interface ListPage {
  readonly entries: readonly FileStat[];
  readonly next: string | null;
}

export const listPage: z.ZodType<ListPage> = z.object({
  entries: z.array(fileStat),
  next: z.string().nullable(),
});

/** The operation goes on as a job: `GET /v1/jobs/{job}` (status 202). */
export interface AcceptedJob {
  readonly job: string;
}

export const acceptedJob: z.ZodType<AcceptedJob> = z.object({ job: z.string() });
