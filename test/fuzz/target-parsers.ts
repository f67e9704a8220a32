import {
  encodePath,
  isFileError,
  parseBackendPath,
  parseEncodedPath,
  parseRequestPath,
  parseVirtualPath,
} from "@bulkhead/contract";
import { cursorsWith } from "../../packages/front-http/src/cursor.ts";
import { durationMs } from "../../packages/front-http/src/duration.ts";
import { parseQuery } from "../../packages/front-http/src/query.ts";
import { encodedFileOf, parseTarget, routable } from "../../packages/front-http/src/target.ts";
import { contextOf } from "../../packages/front-http/src/test/records.ts";
import { keyIdOf } from "../../packages/ledger/src/key-string.ts";
import type { Parser } from "./fuzz.ts";

const invalid = (error: unknown): boolean => isFileError(error, "invalid-request");
const invalidPath = (error: unknown): boolean => isFileError(error, "invalid-path");

const ctx = contextOf(
  {
    key: "key",
    address: "127.0.0.1",
    front: "http",
    requestId: "1",
    signal: new AbortController().signal,
    cut: () => undefined,
  },
  "key",
);
const cursors = cursorsWith([Buffer.alloc(32, 1), Buffer.alloc(32, 2)]);
const sealed = ["", "a", "/workspace/acme/\u00fc", "9".repeat(40)].map((position) =>
  cursors.seal(ctx, "keys", position),
);

const check = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

const paths = [
  "/data/report.txt",
  "/workspace/acme/a b/%C3%BC.txt",
  "/",
  "/a/../b",
  `/${"n".repeat(255)}`,
  "/a%2Fb/%2e%2e",
];

/** What reads the target of a request: its path and query, and what stands in them. */
export const targetParsers: readonly Parser[] = [
  {
    name: "paths with escapes",
    seeds: paths,
    read: (text) => {
      const path = parseEncodedPath(text);
      check(parseEncodedPath(encodePath(path)) === path, "another path the second time");
    },
    refuses: invalidPath,
  },
  {
    name: "paths without escapes",
    seeds: paths,
    read: (text) => {
      const path = parseRequestPath(text);
      check(path === text, "a path that was repaired");
      check(parseVirtualPath(text) === text, "a place that was repaired");
      parseBackendPath(text.slice(1));
    },
    refuses: invalidPath,
  },
  {
    name: "targets",
    seeds: [
      "/v1/files/data/report.txt?version=3",
      "http://127.0.0.1/v1/stat/a?x=1",
      "/v1/%6beys/%31?after=abc",
      "*",
      "/v1/list",
    ],
    read: (text) => {
      const target = parseTarget(text);
      routable(text);
      parseEncodedPath(encodedFileOf(target));
    },
    refuses: invalidPath,
  },
  {
    name: "queries",
    seeds: [
      "limit=10&after=abc&recursive=true",
      "since=2026-11-21T12:00:00Z&until=2026-11-21T12:00:00%2B01:00",
      "a=%FF&a=1&=&b",
      "wait=1.5&format=csv",
    ],
    read: (text) => {
      const query = parseQuery(text);
      check(query.filters() === parseQuery(text).filters(), "other filters the second time");
      query.flag("recursive");
      const limit = query.limit();
      check(limit === undefined || (limit >= 1 && limit <= 1000), "a limit beyond the limit");
      const time = query.time("since");
      check(time === undefined || Number.isSafeInteger(time), "a time that is none");
      query.text("after");
    },
    refuses: invalid,
  },
  {
    name: "cursors",
    seeds: sealed,
    read: (text) => {
      cursors.open(ctx, "keys", text);
      check(sealed.includes(text), "a cursor that nobody sealed");
    },
    refuses: invalid,
  },
  {
    name: "durations",
    seeds: ["P30D", "PT1H30M", "P2W", "PT0.5S", "-P1D"],
    read: (text) => {
      const ms = durationMs("grace", text);
      check(Number.isSafeInteger(ms) && ms >= 0, "a duration that is none");
    },
    refuses: invalid,
  },
  {
    name: "keys",
    seeds: [`bhk_${"a1".repeat(8)}_${"Zz9".repeat(14)}x`],
    read: (text) => keyIdOf(text),
    refuses: () => false,
  },
];
