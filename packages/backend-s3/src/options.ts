import { FileError } from "@bulkhead/contract";
import type { Support } from "./support.ts";

/** Where a transfer changes its way. Bytes. */
export interface Limits {
  /** A body up to so long is sent in one piece, from memory. */
  readonly bufferBytes: number;
  /** A body of known length up to so long streams as one PUT; what is longer, or of unknown length, goes in parts. */
  readonly singleBytes: number;
  /** Of each part; grows with the number of parts, of which a store takes 10,000. */
  readonly partBytes: number;
  /** Parts in flight at once: with those and one that fills, an upload holds so many parts in memory. */
  readonly parallelParts: number;
  /** What is longer is copied in parts of `copyPartBytes`. */
  readonly copyBytes: number;
  readonly copyPartBytes: number;
  /** After so many looks before writes in one directory, all of it is found out, so that the next ones need none. */
  readonly looks: number;
}

export const defaultLimits: Limits = {
  bufferBytes: 1024 ** 2,
  singleBytes: 128 * 1024 ** 2,
  partBytes: 8 * 1024 ** 2,
  parallelParts: 4,
  copyBytes: 5 * 1024 ** 3,
  copyPartBytes: 512 * 1024 ** 2,
  looks: 4,
};

/** What requests are signed with. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface S3Options extends S3Keys {
  /** The address of the store; Amazon's of the region by default. */
  readonly endpoint?: string | undefined;
  /** What requests are signed for. Which region the bucket is in is asked of the bucket. */
  readonly region: string;
  readonly bucket: string;
  /** Only keys below it are seen and touched. Without slashes at its ends; the whole bucket by default. */
  readonly prefix?: string | undefined;
  /** Asked before each request instead, where keys are replaced while the storage is open. */
  readonly present?: (() => Promise<S3Keys>) | undefined;
  /** Names the bucket in the path instead of the host; by default where an endpoint is given. */
  readonly forcePathStyle?: boolean | undefined;
  /** `required` spares older stores the checksums that they do not know. */
  readonly requestChecksumCalculation?: "supported" | "required" | undefined;
  /** Nothing is written, not even to find out what the store supports. */
  readonly readOnly?: boolean | undefined;
  /**
   * False where names are ids, so that no file is ever written where a directory is: spares a look before each write.
   * True by default.
   */
  readonly collisions?: boolean | undefined;
  /** The id that the bucket's marker has to have under this prefix. Without one, a place that has no marker is given one. */
  readonly marker?: { readonly expect?: string } | undefined;
  /** Told where the bucket says that it is, before anything is written to it; rejects where that will not do. */
  readonly admit?: ((region: string | undefined) => Promise<void>) | undefined;
  /** What an earlier opening of the same bucket found out, which is then not asked again. */
  readonly support?: Support | undefined;
  readonly limits?: Partial<Limits> | undefined;
}

/** A key holds at most so many bytes of UTF-8. */
export const keyBytes = 1024;

/** The prefix as keys begin with it: empty, or ending in a slash. Throws `invalid-request`. */
export const keyPrefixOf = (prefix: string | undefined): string => {
  if (prefix === undefined || prefix === "") return "";
  if (prefix.split("/").some((name) => name === "" || name === "." || name === ".."))
    throw new FileError(
      "invalid-request",
      "A bucket's prefix is names with single slashes between them, and none at its ends.",
    );
  return `${prefix}/`;
};
