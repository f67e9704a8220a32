import { z } from "zod";

/** Headers of uploads in parts, as tus 1.0 has them (https://tus.io/protocols/resumable-upload). */
export const tusHeaders = {
  resumable: "Tus-Resumable",
  length: "Upload-Length",
  offset: "Upload-Offset",
  metadata: "Upload-Metadata",
  checksum: "Upload-Checksum",
  expires: "Upload-Expires",
} as const;

/** The version of the protocol. */
export const tusVersion: string = "1.0.0";

/** What the body of a part is. */
export const tusPart: string = "application/offset+octet-stream";

const toBase64 = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** Writes `Upload-Metadata`: names, each with its value in base64 of UTF-8. */
export const encodeUploadMetadata = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => (value === "" ? name : `${name} ${toBase64(value)}`))
    .join(",");

/** Reads `Upload-Metadata`; undefined where it is none. */
export const decodeUploadMetadata = (text: string): ReadonlyMap<string, string> | undefined => {
  const values = new Map<string, string>();
  if (text.trim() === "") return values;
  for (const pair of text.split(",")) {
    const [name = "", value = "", ...more] = pair.trim().split(" ");
    if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(name) || more.length > 0 || values.has(name))
      return undefined;
    try {
      const bytes = Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
      values.set(name, new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch {
      return undefined;
    }
  }
  return values;
};

/** How much of an upload is there. */
export interface UploadState {
  /** Where the next part begins, in bytes. */
  readonly offset: number;
  readonly size: number;
}

export const uploadState: z.ZodType<UploadState> = z.object({
  offset: z.int().min(0),
  size: z.int().min(0),
});
