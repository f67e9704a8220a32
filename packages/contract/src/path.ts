import { FileError } from "./error.ts";

declare const world: unique symbol;

/** What a caller wrote: `/data/report.txt`, relative to its home, or absolute below a namespace root. */
export type RequestPath = string & { readonly [world]: "request" };
/** A place in the whole tree: `/workspace/tenant-a/data/report.txt`. */
export type VirtualPath = string & { readonly [world]: "virtual" };
/** A place inside one storage, without a leading slash: `data/report.txt`; the storage's root is the empty string. */
export type BackendPath = string & { readonly [world]: "backend" };
export type AnyPath = RequestPath | VirtualPath | BackendPath;

/** Bounds of every path, in UTF-8 bytes and in segments. */
export const pathLimits = { nameBytes: 255, pathBytes: 1024, depth: 64 } as const;

/** The name that no path may begin with inside a mount: a storage keeps its own state there. */
export const reservedName = ".bulkhead";

/** Counts the bytes of `text` in UTF-8; a lone surrogate counts as the three bytes of U+FFFD. */
export const utf8Length = (text: string): number => {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 4;
      i += 1;
    } else bytes += 3;
  }
  return bytes;
};

/** True if `text` has more bytes than that in UTF-8. No unit of it has more than three: what is short is not counted. */
const isLonger = (text: string, bytes: number): boolean =>
  text.length * 3 > bytes && utf8Length(text) > bytes;

const refuse = (detail: string): never => {
  throw new FileError("invalid-path", detail);
};

// Cc (C0, DEL and C1) never belongs in a name; the backslash is a separator to half the world's software; U+10FFFF is
// the greatest code point and serves storages as the end of a range.
// oxlint-disable-next-line no-control-regex -- control characters are what this expression is about
const illegal = /[\u0000-\u001f\u007f-\u009f\\]|\u{10ffff}/u;

/** Returns why `name` cannot be one segment of a path, or undefined if it can. */
export const nameFault = (name: string): string | undefined => {
  if (name === "") return "A path has no empty segments and no trailing slash.";
  if (name === "." || name === "..")
    return "A path has no '.' or '..' segments; spell the target out.";
  if (name.includes("/")) return "A name holds no slash, encoded or not.";
  if (!name.isWellFormed()) return "A path is well-formed Unicode.";
  if (illegal.test(name)) return "A name holds no control character, backslash or U+10FFFF.";
  if (isLonger(name, pathLimits.nameBytes))
    return `A name is at most ${pathLimits.nameBytes} bytes.`;
  return undefined;
};

const checkSegments = (segments: readonly string[]): void => {
  if (segments.length > pathLimits.depth)
    refuse(`A path is at most ${pathLimits.depth} segments deep.`);
  for (const name of segments) {
    const fault = nameFault(name);
    if (fault !== undefined) refuse(fault);
  }
};

const checkLength = (path: string): void => {
  if (isLonger(path, pathLimits.pathBytes))
    refuse(`A path is at most ${pathLimits.pathBytes} bytes.`);
};

const checkAbsolute = (raw: string): void => {
  if (!raw.startsWith("/")) refuse("A path starts with '/'.");
  // The cheap bound first: what is refused for its length is never split.
  checkLength(raw);
  if (raw !== "/") checkSegments(raw.slice(1).split("/"));
};

/** Parses a path that holds no escapes, as in a JSON body. Throws `invalid-path`; repairs nothing. */
export const parseRequestPath = (raw: string): RequestPath => {
  checkAbsolute(raw);
  return raw as RequestPath;
};

/**
 * Parses the path of a request target (RFC 9112 §3.2), decoding percent-escapes exactly once, segment by segment.
 * Throws `invalid-path` for a malformed escape, malformed UTF-8 or an encoded slash.
 */
export const parseEncodedPath = (raw: string): RequestPath => {
  if (!raw.startsWith("/")) refuse("A path starts with '/'.");
  // Three times: every byte of a legal path may arrive as an escape.
  if (raw.length > 3 * pathLimits.pathBytes)
    refuse(`A path is at most ${pathLimits.pathBytes} bytes.`);
  const decoded = raw.split("/").map((segment) => {
    try {
      const name = decodeURIComponent(segment);
      return name.includes("/") ? refuse("A name holds no slash, encoded or not.") : name;
    } catch (error) {
      if (error instanceof FileError) throw error;
      return refuse("A path's escapes decode to UTF-8.");
    }
  });
  return parseRequestPath(decoded.join("/"));
};

/** Parses an absolute place in the tree, from configuration or the ledger. Throws `invalid-path`. */
export const parseVirtualPath = (raw: string): VirtualPath => {
  checkAbsolute(raw);
  return raw as VirtualPath;
};

/** Parses a place inside a storage; the empty string is its root. Throws `invalid-path`. */
export const parseBackendPath = (raw: string): BackendPath => {
  checkLength(raw);
  if (raw !== "") {
    const segments = raw.split("/");
    checkSegments(segments);
    if (segments[0] === reservedName) refuse(`'${reservedName}' is reserved.`);
  }
  return raw as BackendPath;
};

/** True for `/` and for the empty string: the root of its world. */
export const isRoot = (path: AnyPath): boolean => path.length === 0 || path === "/";

/** Splits a path into its names; a root has none. */
export const segmentsOf = (path: AnyPath): readonly string[] =>
  isRoot(path) ? [] : (path.startsWith("/") ? path.slice(1) : path).split("/");

/** The last name of a path; empty for a root. */
export const nameOf = (path: AnyPath): string => path.slice(path.lastIndexOf("/") + 1);

/** Makes a function that appends one name to `base`, as `child` does: for many names of one directory. */
export const childrenOf = <P extends AnyPath>(base: P): ((name: string) => P) => {
  const root = base.length === 0;
  const prefix = root || base === "/" ? base : `${base}/`;
  const full = segmentsOf(base).length >= pathLimits.depth;
  return (name) => {
    const fault = nameFault(name);
    if (fault !== undefined) refuse(fault);
    if (root && name === reservedName) refuse(`'${reservedName}' is reserved.`);
    if (full) refuse(`A path is at most ${pathLimits.depth} segments deep.`);
    const joined = prefix + name;
    checkLength(joined);
    return joined as P;
  };
};

/** Appends one name. Throws `invalid-path` if the name or the result is not legal. */
export const child = <P extends AnyPath>(base: P, name: string): P => childrenOf(base)(name);

/** The directory that holds `path`, or undefined for a root. */
export const parent = <P extends AnyPath>(path: P): P | undefined => {
  if (isRoot(path)) return undefined;
  const cut = path.lastIndexOf("/");
  return (cut === 0 ? "/" : cut < 0 ? "" : path.slice(0, cut)) as P;
};

/** True if `path` is `base` or lies below it, by whole segments. */
export const isUnder = <P extends AnyPath>(base: P, path: P): boolean =>
  isRoot(base) ||
  path === base ||
  (path.length > base.length && path[base.length] === "/" && path.startsWith(base));

/** The names that lead from `base` to `path`, or undefined if `path` does not lie under `base`. */
export const segmentsBelow = <P extends AnyPath>(base: P, path: P): readonly string[] | undefined =>
  isUnder(base, path) ? segmentsOf(path).slice(segmentsOf(base).length) : undefined;

/** Escapes a path for a URL so that `parseEncodedPath` gives it back. */
export const encodePath = (path: RequestPath): string =>
  path.split("/").map(encodeURIComponent).join("/");
