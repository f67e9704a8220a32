import { encodeUploadMetadata, tusHeaders, tusPart, tusVersion } from "@bulkhead/wire";
import { BulkheadError, bulkheadError } from "./errors.ts";
import type { UploadFileOptions } from "./options.ts";
import { checkedPath, recordTarget } from "./target.ts";
import { pause, type Transport } from "./transport.ts";
import { writeHeaders } from "./upload.ts";

/** Content of which any part can be had again. */
export type UploadData =
  | Blob
  | Uint8Array
  | {
      /** In bytes. */
      readonly size: number;
      /** The bytes from one place to another, the second exclusive. */
      readonly part: (from: number, to: number) => Promise<Uint8Array>;
    };

const defaultPart = 16 * 1024 * 1024;
const defaultAttempts = 8;
const longestWaitMs = 10_000;

const version = { [tusHeaders.resumable]: tusVersion };

const sizeOf = (data: UploadData): number =>
  data instanceof Uint8Array ? data.byteLength : data.size;

const partOf = async (data: UploadData, from: number, to: number): Promise<Uint8Array> => {
  if (data instanceof Uint8Array) return data.subarray(from, to);
  if (data instanceof Blob) return new Uint8Array(await data.slice(from, to).arrayBuffer());
  return data.part(from, to);
};

const offsetIn = (response: Response): number => {
  const offset = Number(response.headers.get(tusHeaders.offset) ?? Number.NaN);
  if (Number.isSafeInteger(offset)) return offset;
  throw bulkheadError("internal", "The server's answer does not say how much it has.", {
    status: response.status,
    retryable: false,
  });
};

/** Worth asking where to go on: no answer came, the server is not well, or another part is still being stored. */
const isPassing = (error: unknown): error is BulkheadError =>
  error instanceof BulkheadError && (error.retryable || error.code === "conflict");

/**
 * Sends content in parts, going on by itself after whatever broke off. Resolves once the file is written. Rejects with
 * `not-found` where `options.upload` is over.
 */
export const uploadInParts = async (
  transport: Transport,
  path: string,
  data: UploadData,
  options: UploadFileOptions,
): Promise<void> => {
  const { signal, partBytes = defaultPart, attempts = defaultAttempts } = options;
  const size = sizeOf(data);

  const begin = async (): Promise<string> => {
    const { contentType, ...write } = options;
    const about = {
      path: checkedPath(path),
      ...(contentType !== undefined && { filetype: contentType }),
    };
    const response = await transport.send({
      method: "POST",
      target: "/v1/uploads",
      headers: {
        ...version,
        ...writeHeaders(write),
        [tusHeaders.length]: String(size),
        [tusHeaders.metadata]: encodeUploadMetadata(about),
        "Repr-Digest": options.digest,
      },
      signal,
    });
    return (response.headers.get("Location") ?? "").split("/").at(-1) ?? "";
  };

  const id = options.upload ?? (await begin());
  options.onUpload?.(id);
  const target = recordTarget("uploads", id);
  const look = async (): Promise<number> =>
    offsetIn(
      await transport.send({ method: "HEAD", target, headers: version, signal, repeatable: true }),
    );

  let offset = options.upload === undefined && size > 0 ? 0 : await look();
  let failures = 0;
  while (offset < size) {
    options.onProgress?.(offset, size);
    try {
      const bytes = await partOf(data, offset, Math.min(size, offset + partBytes));
      const response = await transport.send({
        method: "PATCH",
        target,
        headers: { ...version, "Content-Type": tusPart, [tusHeaders.offset]: String(offset) },
        payload: { body: new Uint8Array(bytes), streamed: false, replayable: true },
        signal,
      });
      offset = offsetIn(response);
      failures = 0;
    } catch (error) {
      if (!isPassing(error)) throw error;
      for (let behind: unknown = error; ;) {
        failures += 1;
        if (failures >= attempts) throw behind;
        const asked = isPassing(behind) ? (behind.fields.retryAfter ?? 0) * 1000 : 0;
        await pause(Math.max(asked, Math.min(longestWaitMs, 250 * 2 ** failures)), signal);
        try {
          offset = await look();
          break;
        } catch (again) {
          if (!isPassing(again)) throw again;
          behind = again;
        }
      }
    }
  }
  options.onProgress?.(size, size);
};
