import { createHash } from "node:crypto";
import { isFileError, parseRequestPath, type Upload } from "@bulkhead/contract";
import { streamBody } from "@bulkhead/kit";
import {
  decodeMetadata,
  decodeUploadMetadata,
  quoteEtag,
  tusHeaders,
  tusPart,
  tusVersion,
  uploadState,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { preconditionFailed } from "../conditions.ts";
import { changing, type Answered } from "../describe.ts";
import { digestCheck } from "../digest.ts";
import { HttpFault, malformed } from "../fault.ts";
import { withVisibleEtag } from "./stat-answer.ts";
import { modeOf, pairs } from "./write-file.ts";

const single = (call: Call, name: string): string | undefined => {
  const value = call.headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(",") : value;
};

const checkVersion = (call: Call): void => {
  if (single(call, tusHeaders.resumable) !== tusVersion)
    throw malformed(
      `Uploads in parts are those of tus; send '${tusHeaders.resumable}: ${tusVersion}'.`,
    );
};

const count = (call: Call, name: string): number => {
  const text = single(call, name) ?? "";
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw malformed(`'${name}' is a number of bytes.`);
  return value;
};

const stateHeaders = (upload: Upload): Record<string, string> => ({
  [tusHeaders.resumable]: tusVersion,
  [tusHeaders.offset]: String(upload.offset),
  [tusHeaders.length]: String(upload.size),
  [tusHeaders.expires]: new Date(upload.expiresAt).toUTCString(),
});

const begin = async (call: Call): Promise<Answer> => {
  checkVersion(call);
  const size = count(call, tusHeaders.length);
  const values = decodeUploadMetadata(single(call, tusHeaders.metadata) ?? "");
  const raw = values?.get("path");
  if (raw === undefined)
    throw malformed(`'${tusHeaders.metadata}' holds 'path' with the file's path in base64.`);
  const path = parseRequestPath(raw);
  const digest = single(call, "repr-digest");
  digestCheck(undefined, digest);
  const contentType = values?.get("filetype");
  const metadata = decodeMetadata(pairs(call.request.rawHeaders));
  const mode = await modeOf(call, path);
  try {
    const upload = await call.control.uploads.begin(call.ctx, path, {
      size,
      mode,
      digest,
      ...(contentType !== undefined && { contentType }),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    });
    const begun = { ...stateHeaders(upload), Location: `/v1/uploads/${upload.id}` };
    if (size > 0) return { status: 201, headers: begun };
    // Nothing is to come: it is the file at once.
    const { written } = await call.control.uploads.append(call.ctx, upload.id, {
      offset: 0,
      body: streamBody(noBytes(), 0),
      whole: true,
      checked: digest === undefined ? undefined : checkedAs(digest),
    });
    return {
      status: 201,
      headers: { ...begun, ...(written && { ETag: quoteEtag(written.etag) }) },
    };
  } catch (error) {
    const exists = mode === "create" && isFileError(error, "already-exists");
    throw await withVisibleEtag(call, path, exists ? preconditionFailed(undefined) : error);
  }
};

async function* noBytes(): AsyncGenerator<Uint8Array> {}

/** The content of the whole file, held to the digest that was announced when it was begun. */
const checkedAs = (digest: string | undefined) =>
  async function* (content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const check = digestCheck(undefined, digest);
    let last: Uint8Array | undefined;
    for await (const chunk of content) {
      check?.update(chunk);
      if (last !== undefined) yield last;
      last = chunk;
    }
    // Before the last of it: whoever reads no further than to the size would not hear of it.
    check?.finish();
    if (last !== undefined) yield last;
  };

const algorithms = ["sha1", "sha256", "sha512"];

/** `Upload-Checksum`: throws 460 at the end of a part that has another. */
const checksumOf = (
  call: Call,
): ((content: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>) | undefined => {
  const text = single(call, tusHeaders.checksum);
  if (text === undefined) return undefined;
  const [algorithm = "", wanted = "", ...more] = text.split(" ");
  if (!algorithms.includes(algorithm) || wanted === "" || more.length > 0)
    throw malformed(
      `'${tusHeaders.checksum}' is one of ${algorithms.join(", ")}, a space, and the digest in base64.`,
    );
  return async function* (content) {
    const hash = createHash(algorithm);
    for await (const chunk of content) {
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest("base64") !== wanted)
      throw new HttpFault(460, "Checksum mismatch", "The part is not what was announced.");
  };
};

const append = async (call: Call): Promise<Answer> => {
  checkVersion(call);
  const type = single(call, "content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== tusPart)
    throw new HttpFault(415, "No part of an upload", `Send 'Content-Type: ${tusPart}'.`);
  const offset = count(call, tusHeaders.offset);
  const checksum = checksumOf(call);
  const { body, fault } = call.upload();
  const announced = ["content-digest", "repr-digest"].some(
    (name) => call.headers[name] !== undefined,
  );
  const id = call.param("id");
  const upload = await call.control.uploads.get(call.ctx, id);
  try {
    const now = await call.control.uploads.append(call.ctx, id, {
      offset,
      body: checksum === undefined ? body : { ...body, open: () => checksum(body.open()) },
      whole: checksum !== undefined || announced,
      checked: upload.digest === undefined ? undefined : checkedAs(upload.digest),
    });
    return {
      status: 204,
      headers: {
        ...stateHeaders(now),
        ...(now.written && { ETag: quoteEtag(now.written.etag) }),
      },
    };
  } catch (error) {
    const reason = fault() ?? error;
    throw isFileError(reason, "already-exists") ? preconditionFailed(undefined) : reason;
  }
};

const look = async (call: Call): Promise<Answer> => {
  const upload = await call.control.uploads.get(call.ctx, call.param("id"));
  const { offset, size } = upload;
  return { status: 200, headers: stateHeaders(upload), json: { offset, size } };
};

const end = async (call: Call): Promise<Answer> => {
  checkVersion(call);
  await call.control.uploads.end(call.ctx, call.param("id"));
  return { status: 204, headers: { [tusHeaders.resumable]: tusVersion } };
};

const state: Answered["headers"] = [
  "Tus-Resumable",
  "Upload-Offset",
  "Upload-Length",
  "Upload-Expires",
];

/** Uploads in parts: tus 1.0 with creation, expiration, checksum and termination. */
export const uploadRoutes: readonly Route[] = [
  {
    method: "POST",
    url: "/v1/uploads",
    id: "beginUpload",
    does: "Begins an upload in parts (tus 1.0): `Upload-Length`, and `Upload-Metadata` with `path` and `filetype`. `If-Match`, `If-None-Match: *`, `Repr-Digest` hold for the whole file. 201 with its `Location`.",
    headers: [
      "Tus-Resumable",
      "Upload-Length",
      "Upload-Metadata",
      "If-Match",
      "If-None-Match",
      "Repr-Digest",
      "Bulkhead-Meta-{name}",
    ],
    answers: { 201: { does: "It may be sent.", headers: ["Location", ...state, "ETag"] } },
    refuses: changing,
    run: begin,
  },
  {
    method: "GET",
    url: "/v1/uploads/:id",
    id: "lookAtUpload",
    does: "How much of an upload is there; HEAD answers the same in headers. For the key that began it.",
    answers: { 200: { does: "Where the next part begins.", json: uploadState, headers: state } },
    refuses: ["not-found"],
    run: look,
  },
  {
    method: "PATCH",
    url: "/v1/uploads/:id",
    id: "appendToUpload",
    does: "The next part, as `application/offset+octet-stream`: `Upload-Offset`, `Upload-Checksum`, `Content-Digest`. 204; with the last part the file is there, and `ETag` is its own.",
    headers: ["Tus-Resumable", "Upload-Offset", "Upload-Checksum", "Content-Digest"],
    takes: "bytes",
    answers: { 204: { does: "It is stored.", headers: [...state, "ETag"] } },
    refuses: changing,
    run: append,
  },
  {
    method: "DELETE",
    url: "/v1/uploads/:id",
    id: "endUpload",
    does: "Ends an upload; what was sent of it is gone.",
    headers: ["Tus-Resumable"],
    answers: { 204: { does: "It is over.", headers: ["Tus-Resumable"] } },
    refuses: ["not-found", "conflict", "tenant-suspended"],
    run: end,
  },
];
