import { isRoot, parseRequestPath, segmentsBelow } from "@bulkhead/contract";

/** Spells `path` from the directory `base` on; empty for `base` itself. */
export const nameBelow = (base: string, path: string): string =>
  segmentsBelow(parseRequestPath(base), parseRequestPath(path))?.join("/") ?? path;

/** Spells what lies at `below`, names joined by slashes, in the directory `base`. */
export const joined = (base: string, below: string): string =>
  isRoot(parseRequestPath(base)) ? `/${below}` : `${base}/${below}`;
