import type { ByteRange } from "@bulkhead/contract";
import type { RetryPolicy } from "./transport.ts";

export interface RemoteFSOptions {
  /** Where the server is: `http://127.0.0.1:2026`, or a url with a path below which `/v1` lies. */
  readonly url: string;
  readonly apiKey: string;
  /** Narrows every call to a part of what the key is bound to; elsewhere the server answers 403. */
  readonly workspacePrefix?: string;
  /**
   * For whom every call acts, as `user:alice`: bounds and relations become that subject's. The platform's key and the
   * admin keys of a tenant may, others are refused.
   */
  readonly as?: string;
  /** The tenant of `as`, as `tenant:acme`. */
  readonly namespace?: string;
  /** The platform's own by default. */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * Reads, and POSTs (which carry an `Idempotency-Key`), are sent again where the server answers 503 or 429 and says how
   * long to wait. `false` never does.
   */
  readonly retry?: RetryPolicy | false;
}

/** Every call takes a signal; when it aborts, the call rejects with the signal's reason. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ReadFileOptions extends CallOptions {
  /** Which bytes: `{ start, end? }` (`end` inclusive) or `{ suffix }`, the last so many. */
  readonly range?: ByteRange | undefined;
  readonly version?: string | undefined;
  /** Rejects with `precondition-failed` unless the content has this ETag. */
  readonly ifMatch?: string | undefined;
}

export interface WriteFileOptions extends CallOptions {
  /** Replaces only the content that has this ETag. */
  readonly ifMatch?: string | undefined;
  /** `*`: only where nothing is there; otherwise rejects with `precondition-failed`. */
  readonly ifNoneMatch?: "*" | undefined;
  /** `wx` is `ifNoneMatch: "*"`, by the name that Node gives it. */
  readonly flag?: "w" | "wx" | undefined;
  readonly contentType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /**
   * The exact bytes of data that is streamed, where known. Runtimes that let a program declare a length (Node, Deno, Bun)
   * send it, so that the server can refuse what does not fit before it is sent.
   */
  readonly size?: number | undefined;
}

export interface UploadFileOptions extends Omit<WriteFileOptions, "size"> {
  /** How many bytes are sent at once; 16 MiB by default. What breaks off is sent again from where the server has it. */
  readonly partBytes?: number | undefined;
  /** How often in a row it may fail before it is given up; 8 by default. */
  readonly attempts?: number | undefined;
  /** `Repr-Digest` of the whole: other content is refused. */
  readonly digest?: string | undefined;
  /** An upload of the same content to go on with, as `onUpload` named it. */
  readonly upload?: string | undefined;
  /** Told the id of the upload as soon as it has one. */
  readonly onUpload?: ((id: string) => void) | undefined;
  /** Told how many bytes the server has. */
  readonly onProgress?: ((sent: number, size: number) => void) | undefined;
}

export interface AppendOptions extends CallOptions {
  readonly size?: number | undefined;
  /** Names this append: sent again with the same name and data it is done once. Made up where absent. */
  readonly idempotencyKey?: string | undefined;
}

export interface ListOptions extends CallOptions {
  /** Everything below, depth first. */
  readonly recursive?: boolean | undefined;
  /** How many entries one request asks for; 1,000 at most and by default. */
  readonly pageSize?: number | undefined;
}

export interface ReaddirOptions extends ListOptions {
  readonly withFileTypes?: boolean | undefined;
}

export interface MkdirOptions extends CallOptions {
  /** Makes missing parents, and succeeds where the directory exists. */
  readonly recursive?: boolean | undefined;
}

export interface RmOptions extends CallOptions {
  /** A directory with all that is in it. */
  readonly recursive?: boolean | undefined;
  /** Succeeds where nothing is there. */
  readonly force?: boolean | undefined;
  /** Removes only the file that has this ETag. */
  readonly ifMatch?: string | undefined;
}

export interface MoveOptions extends CallOptions {
  /** Replaces a file at the target; without it an existing target is `already-exists`. */
  readonly overwrite?: boolean | undefined;
  /** The ETag that the source must have. */
  readonly ifMatch?: string | undefined;
}

export interface GlobOptions extends CallOptions {
  /** Where to look; `/` by default. */
  readonly path?: string | undefined;
  /** The most results, up to 1,000. Without it, more than 1,000 matches end in the error `too-large`. */
  readonly limit?: number | undefined;
}

export interface GrepOptions extends GlobOptions {
  /** A glob of the files to look into. */
  readonly include?: string | undefined;
  readonly ignoreCase?: boolean | undefined;
}
