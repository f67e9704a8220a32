import type { Body } from "./body.ts";
import type { Context } from "./context.ts";
import type { RequestPath } from "./path.ts";
import type { WriteOptions, WriteResult } from "./store.ts";

/** An upload that is sent in parts, as whoever began it sees it. */
export interface Upload {
  readonly id: string;
  readonly size: number;
  /** Where the next part begins. As long as the file is not there, at most the last byte but one: that is asked for again. */
  readonly offset: number;
  /** When it is over unless something comes, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** `Repr-Digest` as it was announced. */
  readonly digest: string | undefined;
}

/** What an upload is begun with. */
export interface UploadInput extends WriteOptions {
  /** In bytes. */
  readonly size: number;
  readonly digest?: string | undefined;
}

/** A part of an upload. */
export interface UploadPart {
  readonly offset: number;
  readonly body: Body;
  /** True if nothing of it counts unless all of it comes: its digest was announced. */
  readonly whole: boolean;
  /** Sees the whole content on its way into the file; throws where it is not what was announced. */
  readonly checked?:
    | ((content: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>)
    | undefined;
}

/**
 * Uploads in parts, over any time and any number of connections and servers. Each part is decided as a write of the path;
 * with the last one the file is written as by one write, with the condition that it was begun with. Until then nothing of
 * it is visible. Whose key or subject did not begin an upload finds none.
 */
export interface UploadControl {
  /** Rejects with what the write would be refused with now. */
  readonly begin: (ctx: Context, path: RequestPath, input: UploadInput) => Promise<Upload>;
  readonly get: (ctx: Context, id: string) => Promise<Upload>;
  /** Rejects with `conflict` where it begins elsewhere, and while another part of it is coming. */
  readonly append: (
    ctx: Context,
    id: string,
    part: UploadPart,
  ) => Promise<Upload & { readonly written?: WriteResult | undefined }>;
  readonly end: (ctx: Context, id: string) => Promise<void>;
}
