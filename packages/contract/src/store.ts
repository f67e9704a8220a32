import type { Body } from "./body.ts";
import type { Capability } from "./capability.ts";
import type { Context, OpContext } from "./context.ts";
import type { AnyPath, BackendPath, RequestPath, VirtualPath } from "./path.ts";
import type { Snapshot } from "./settlement.ts";
import type { Versions } from "./versions.ts";

export interface Stat {
  readonly name: string;
  readonly kind: "file" | "directory";
  /** In bytes; 0 for a directory. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  readonly createdAt?: number;
  /** Opaque and strong: whenever content changes, the ETag changes. Directories have none. Without quotes. */
  readonly etag?: string;
  readonly contentType?: string;
  readonly version?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A part of a file: `start` and `end` (inclusive) count bytes; `suffix` asks for the last so many. */
export type ByteRange =
  | { readonly start: number; readonly end?: number }
  | { readonly suffix: number };

/** Which bytes of how many were answered; `end` is inclusive. */
export interface ResolvedRange {
  readonly start: number;
  readonly end: number;
}

export interface ReadOptions {
  readonly range?: ByteRange;
  readonly ifMatch?: string;
  readonly version?: string;
  /**
   * A hint: how many bytes the reader takes at once, asked before each piece of a stream is read. What is handed on is
   * held until the reader has taken it, and a slow one takes little.
   */
  readonly piece?: () => number;
  /**
   * Asked before each piece: true if the reader has done with the piece before, so that its buffer may be filled again.
   * What many slow readers are sent would be garbage that has grown old.
   */
  readonly reuse?: () => boolean;
}

/** Content and stat in one answer. Small content is one buffer. Dispose it, read or not. */
export interface ReadResult extends AsyncDisposable {
  readonly stat: Stat;
  readonly range?: ResolvedRange;
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /**
   * To be told by a front, before they leave, how many bytes of the content are sent: with the first of them the read
   * counts. Who only looks does not tell. Throws `unavailable` where it cannot be counted: then nothing is sent.
   */
  readonly sent?: (bytes: number) => void;
  /**
   * To be awaited before anything of the content is told to anybody, part of a line too: where its owner wants to know of
   * reads, this is recorded first. Rejects with `unavailable` where it cannot be: then nothing is told.
   */
  readonly told?: () => Promise<void>;
  /** The revisions of the settlement as they were in the very snapshot that `stat` is of, where the ledger holds both. */
  readonly snapshot?: Snapshot | undefined;
}

/** `create` fails with `already-exists`; `{ ifMatch }` fails with `precondition-failed`, also on what is missing. */
export type Mode = "overwrite" | "create" | { readonly ifMatch: string };

export interface WriteOptions {
  /** Default `overwrite`. */
  readonly mode?: Mode;
  /** A hint: derived from the name where a backend cannot keep it. */
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface WriteResult {
  readonly etag: string;
  readonly version?: string;
  readonly size: number;
  readonly created: boolean;
  readonly replaced?: { readonly size: number; readonly version?: string };
  /**
   * When the file was made, where that is known, and changed, in milliseconds since the epoch, where the storage tells
   * with the commit.
   */
  readonly times?: { readonly createdAt?: number; readonly modifiedAt: number };
  /** What the content is kept as, told with `times` by a storage that keeps no type it is given. */
  readonly contentType?: string;
}

export interface ListOptions {
  readonly limit?: number;
  /** Exclusive; the sort key of an entry: its name, for a directory followed by `/`. */
  readonly after?: string;
}

/** Entries in UTF-8 byte order of their sort keys; `next` is the last one's where more may follow. */
export interface Page {
  readonly entries: readonly Stat[];
  readonly next?: string;
}

export interface RemoveOptions {
  readonly recursive?: boolean;
  readonly ifMatch?: string;
}

/** What is gone, or for the copy of a directory what was made: files and their bytes. */
export interface Removed {
  readonly files: number;
  readonly bytes: number;
}

export interface MoveOptions {
  /** Judges the target. Default `create`. */
  readonly mode?: Mode;
  /** Judges the source. */
  readonly ifMatch?: string;
}

export interface Moved {
  readonly replaced?: { readonly size: number; readonly version?: string };
}

/** The operation became a job. */
export interface Accepted {
  readonly job: string;
}

/** Everything that holds files, from a map in memory to the whole server. Properties, so that parameters are compared strictly. */
export interface Store<P extends AnyPath, C extends OpContext> {
  readonly stat: (ctx: C, path: P) => Promise<Stat>;
  readonly read: (ctx: C, path: P, options?: ReadOptions) => Promise<ReadResult>;
  /** Resolves once the whole body is stored and visible; until then, and on any failure, readers see the old content. */
  readonly write: (ctx: C, path: P, body: Body, options?: WriteOptions) => Promise<WriteResult>;
  readonly list: (ctx: C, path: P, options?: ListOptions) => Promise<Page>;
  readonly mkdir: (ctx: C, path: P) => Promise<void>;
  readonly remove: (ctx: C, path: P, options?: RemoveOptions) => Promise<Removed | Accepted>;
  readonly copy: (
    ctx: C,
    from: P,
    to: P,
    options?: MoveOptions,
  ) => Promise<WriteResult | Removed | Accepted>;
  readonly move: (ctx: C, from: P, to: P, options?: MoveOptions) => Promise<Moved | Accepted>;
}

export type Operation = keyof Store<AnyPath, OpContext>;

/** What a caller sees: paths as it wrote them. */
export type Session = Store<RequestPath, Context>;
/** The whole tree. */
export type Tree = Store<VirtualPath, Context>;
/** A session with the past of its files. */
export type WholeSession = Session & Versions<RequestPath, Context>;
/** The tree with the past of its files: what policy wraps, so that no operation on the past escapes it either. */
export type WholeTree = Tree & Versions<VirtualPath, Context>;
/** One storage; with `Versions` where it keeps a past. */
export interface Backend extends Store<BackendPath, OpContext>, Partial<Versions> {
  readonly scheme: string;
  readonly capability: Capability;
  /** Asks the storage where it really is; undefined if it cannot tell. */
  readonly region: () => Promise<string | undefined>;
  /** Rejects with `unavailable` unless the storage answers. */
  readonly probe: (ctx: OpContext) => Promise<void>;
  readonly close: () => Promise<void>;
}

export type Layer<S> = (inner: S) => S;
