import type { RequestPath, Stat } from "@bulkhead/contract";
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

/** Nothing of it is escaped in JSON. */
const plain = /^[ !#-[\]-~]*$/;
const quoted = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text));
const quotedOrNull = (text: string | null | undefined): string =>
  text === null || text === undefined ? "null" : quoted(text);

/** The JSON of `fileStatOf`, without the object in between: for long lists. */
export const fileStatText = (path: RequestPath, stat: Stat): string => {
  const { name, kind, size, etag, contentType, createdAt, modifiedAt, version, metadata } = stat;
  const made = createdAt === undefined ? "null" : `"${timeOf(createdAt)}"`;
  return `{"path":${quoted(path)},"name":${quoted(name)},"kind":"${kind}","size":${size},"etag":${quotedOrNull(etag)},"contentType":${quotedOrNull(contentType)},"createdAt":${made},"modifiedAt":"${timeOf(modifiedAt)}","version":${quotedOrNull(version)},"metadata":${metadata === undefined ? "{}" : JSON.stringify(metadata)}}`;
};

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
