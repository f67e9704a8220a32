import type { IncomingHttpHeaders } from "node:http";
import { FileError, type Stat } from "@bulkhead/contract";
import { type EntityTag, parseEtags } from "@bulkhead/wire";
import { malformed } from "./fault.ts";

type Tags = "*" | readonly EntityTag[];

const tagsOf = (name: string, value: string | undefined): Tags | undefined => {
  if (value === undefined) return undefined;
  const tags = parseEtags(value);
  if (tags === undefined) throw malformed(`'${name}' is '*' or a list of quoted entity tags.`);
  return tags;
};

/** `If-Match` of a request; throws `invalid-request`. */
export const ifMatchOf = (headers: IncomingHttpHeaders): Tags | undefined =>
  tagsOf("If-Match", headers["if-match"]);

/** `If-None-Match` of a request; throws `invalid-request`. */
export const ifNoneMatchOf = (headers: IncomingHttpHeaders): Tags | undefined =>
  tagsOf("If-None-Match", headers["if-none-match"]);

/** Compares strongly (RFC 9110 §8.8.3.2): weak tags never match. */
export const matchesStrongly = (tags: Tags, etag: string | undefined): boolean =>
  tags === "*" || tags.some(({ tag, weak }) => !weak && tag === etag);

const matchesWeakly = (tags: Tags, etag: string | undefined): boolean =>
  tags === "*" || tags.some(({ tag }) => tag === etag);

// A date that is none is passed over (RFC 9110 §13.1.3).
const secondsOf = (value: string | undefined): number | undefined => {
  const ms = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
};

/** The error of a condition that failed, with the ETag that the caller may know. */
export const preconditionFailed = (etag: string | undefined): FileError =>
  new FileError(
    "precondition-failed",
    "The file is not in the state that the condition asks for.",
    {
      fields: etag === undefined ? {} : { etag },
    },
  );

/** The conditions of a GET or HEAD, parsed before anything is looked up. */
export interface ReadConditions {
  /** True if any condition stands before the range. */
  readonly any: boolean;
  /** True if the caller has it already: 304. Throws `precondition-failed` (RFC 9110 §13.2.2). */
  readonly unmodified: (stat: Stat) => boolean;
  /** Whether `If-Range` lets a range through. Dates never do: within a second they prove nothing. */
  readonly allowsRange: (stat: Stat) => boolean;
}

export const readConditions = (headers: IncomingHttpHeaders): ReadConditions => {
  const ifMatch = ifMatchOf(headers);
  const ifNoneMatch = ifNoneMatchOf(headers);
  const since = secondsOf(headers["if-modified-since"]);
  const until = secondsOf(headers["if-unmodified-since"]);
  const ifRange = headers["if-range"]?.toString();
  const rangeTags = ifRange === undefined ? undefined : parseEtags(ifRange);
  return {
    any: [ifMatch, ifNoneMatch, since, until, ifRange].some((condition) => condition !== undefined),
    unmodified: (stat) => {
      const modified = Math.floor(stat.modifiedAt / 1000);
      const holds =
        ifMatch === undefined
          ? until === undefined || modified <= until
          : matchesStrongly(ifMatch, stat.etag);
      if (!holds) throw preconditionFailed(stat.etag);
      if (ifNoneMatch !== undefined) return matchesWeakly(ifNoneMatch, stat.etag);
      return since !== undefined && modified <= since;
    },
    allowsRange: (stat) =>
      ifRange === undefined ||
      (rangeTags !== undefined && rangeTags !== "*" && matchesStrongly(rangeTags, stat.etag)),
  };
};
