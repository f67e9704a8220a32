import type { ChangeRecord, VersionEntry } from "@bulkhead/contract";
import { z } from "zod";
import { timeOf, timestamp } from "./time.ts";

/** What was stored at a path, or that it was removed. */
export interface WireVersion {
  /** Names the content for `?version=` and `POST /v1/restore`. */
  readonly version: string;
  readonly kind: "write" | "remove";
  /** In bytes; 0 for a removal. */
  readonly size: number;
  readonly modifiedAt: string;
  readonly etag: string | null;
  readonly contentType: string | null;
  /** True for the content that is read without naming a version. */
  readonly current: boolean;
}

export const wireVersion: z.ZodType<WireVersion> = z.object({
  version: z.string(),
  kind: z.enum(["write", "remove"]),
  size: z.int().min(0),
  modifiedAt: timestamp,
  etag: z.string().nullable(),
  contentType: z.string().nullable(),
  current: z.boolean(),
});

export const wireVersionOf = (entry: VersionEntry): WireVersion => ({
  version: entry.version,
  kind: entry.kind,
  size: entry.size,
  modifiedAt: timeOf(entry.modifiedAt),
  etag: entry.etag ?? null,
  contentType: entry.contentType ?? null,
  current: entry.current,
});

/** `POST /v1/restore` */
export interface RestoreRequest {
  readonly path: string;
  readonly version: string;
}

export const restoreRequest: z.ZodType<RestoreRequest> = z.strictObject({
  path: z.string(),
  version: z.string().min(1).max(255),
});

/** One committed change. */
export interface WireChange {
  /** Counts a tenant's commits, upwards, with gaps where a change was not the reader's to see. */
  readonly seq: number;
  readonly kind: "write" | "mkdir" | "remove" | "copy" | "move";
  /** As the caller addresses it; of a copy or move the target. */
  readonly path: string;
  readonly from: string | null;
  readonly at: string;
  readonly version: string | null;
  readonly etag: string | null;
}

export const wireChange: z.ZodType<WireChange> = z.object({
  seq: z.int().min(0),
  kind: z.enum(["write", "mkdir", "remove", "copy", "move"]),
  path: z.string(),
  from: z.string().nullable(),
  at: timestamp,
  version: z.string().nullable(),
  etag: z.string().nullable(),
});

export const wireChangeOf = (change: ChangeRecord): WireChange => ({
  seq: change.seq,
  kind: change.kind,
  path: change.path,
  from: change.from ?? null,
  at: timeOf(change.at),
  version: change.version ?? null,
  etag: change.etag ?? null,
});

/** The longest that `GET /v1/changes?wait=` waits, in seconds. */
export const longestWaitSeconds = 30;

/** In place of a cursor: what comes from now on. */
export const latestChange = "latest";
