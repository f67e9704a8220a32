import type { Mode } from "@bulkhead/contract";
import { z } from "zod";

/** `POST /v1/mkdir` */
export interface MkdirRequest {
  readonly path: string;
  /** Makes the missing directories above, too. */
  readonly parents?: boolean | undefined;
  /** Succeeds where the directory is there already. */
  readonly existOk?: boolean | undefined;
}

export const mkdirRequest: z.ZodType<MkdirRequest> = z.strictObject({
  path: z.string(),
  parents: z.boolean().optional(),
  existOk: z.boolean().optional(),
});

/** `POST /v1/copy` and `/v1/move`. `mode` judges the target, `ifMatch` the source; ETags are without quotes. */
export interface MoveRequest {
  readonly from: string;
  readonly to: string;
  readonly mode?: Mode | undefined;
  readonly ifMatch?: string | undefined;
}

const mode: z.ZodType<Mode> = z.union([
  z.literal("overwrite"),
  z.literal("create"),
  z.strictObject({ ifMatch: z.string() }),
]);

export const moveRequest: z.ZodType<MoveRequest> = z.strictObject({
  from: z.string(),
  to: z.string(),
  mode: mode.optional(),
  ifMatch: z.string().optional(),
});

/** The most results that one `glob` or `grep` answers. */
export const searchLimit = 1000;

/** `POST /v1/glob` */
export interface GlobRequest {
  readonly pattern: string;
  /** Where to look; `/` is the caller's home. */
  readonly path?: string | undefined;
  readonly limit?: number | undefined;
}

export const globRequest: z.ZodType<GlobRequest> = z.strictObject({
  pattern: z.string().min(1).max(1024),
  path: z.string().optional(),
  limit: z.int().min(1).max(searchLimit).optional(),
});

/** Paths as the caller addressed them, in the order of a listing. */
export interface GlobAnswer {
  readonly paths: readonly string[];
  /** True where `limit` cut the answer short. */
  readonly truncated: boolean;
}

export const globAnswer: z.ZodType<GlobAnswer> = z.object({
  paths: z.array(z.string()),
  truncated: z.boolean(),
});

/** `POST /v1/grep`. `pattern` is a regular expression without backtracking (RE2); `include` a glob of names. */
export interface GrepRequest {
  readonly pattern: string;
  readonly path?: string | undefined;
  readonly include?: string | undefined;
  readonly ignoreCase?: boolean | undefined;
  readonly limit?: number | undefined;
}

export const grepRequest: z.ZodType<GrepRequest> = z.strictObject({
  pattern: z.string().min(1).max(1024),
  path: z.string().optional(),
  include: z.string().max(1024).optional(),
  ignoreCase: z.boolean().optional(),
  limit: z.int().min(1).max(searchLimit).optional(),
});

/** One line that matches; `line` counts from 1. */
export interface GrepMatch {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

export interface GrepAnswer {
  readonly matches: readonly GrepMatch[];
  readonly truncated: boolean;
}

export const grepAnswer: z.ZodType<GrepAnswer> = z.object({
  matches: z.array(z.object({ path: z.string(), line: z.int(), text: z.string() })),
  truncated: z.boolean(),
});
