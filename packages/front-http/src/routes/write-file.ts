import { FileError, isFileError, type Mode, type RequestPath } from "@bulkhead/contract";
import { tapBody } from "@bulkhead/kit";
import { decodeMetadata } from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call } from "../call.ts";
import { ifMatchOf, ifNoneMatchOf, matchesStrongly, preconditionFailed } from "../conditions.ts";
import { HttpFault, malformed } from "../fault.ts";
import { once, requestDigest } from "../idempotent.ts";
import { statAnswer, withVisibleEtag, writtenAnswer } from "./stat-answer.ts";

/** Names and values of headers as they were sent. */
export function* pairs(raw: readonly string[]): Generator<readonly [string, string]> {
  for (let i = 0; i + 1 < raw.length; i += 2) yield [raw[i] ?? "", raw[i + 1] ?? ""];
}

// One ETag is judged with the effect. `*` and lists first become the one that is there: whoever writes in between turns
// the answer into 412, never the condition into a lie.
const presentEtag = async (call: Call, path: RequestPath): Promise<string | undefined> => {
  const tags = ifMatchOf(call.headers);
  if (tags === undefined) return undefined;
  if (tags !== "*" && tags.length === 1 && tags[0]?.weak === false) return tags[0].tag;
  try {
    const stat = await call.control.session.stat(call.ctx, path);
    if (stat.kind === "directory") throw new FileError("is-directory", "A directory has no ETag.");
    if (stat.etag === undefined || !matchesStrongly(tags, stat.etag))
      throw preconditionFailed(stat.etag);
    return stat.etag;
  } catch (error) {
    throw isFileError(error, "not-found") ? preconditionFailed(undefined) : error;
  }
};

/** The condition of a write. Throws `invalid-request`, or `precondition-failed` where the file is known not to be in that state. */
export const modeOf = async (call: Call, path: RequestPath): Promise<Mode> => {
  const none = ifNoneMatchOf(call.headers);
  if (none === undefined) {
    const ifMatch = await presentEtag(call, path);
    return ifMatch === undefined ? "overwrite" : { ifMatch };
  }
  if (none !== "*" || call.headers["if-match"] !== undefined)
    throw malformed("A write takes 'If-Match', or 'If-None-Match: *', not both.");
  return "create";
};

// What would change the meaning of the bytes is refused: they are kept as they come.
const checkContent = ({ headers }: Call): void => {
  const coding = headers["content-encoding"];
  if (coding !== undefined && coding.trim().toLowerCase() !== "identity")
    throw new HttpFault(
      415,
      "Content codings are not kept",
      "Send the content without 'Content-Encoding'.",
    );
  if (headers["content-range"] !== undefined)
    throw malformed("A part of a file cannot be written; leave out 'Content-Range'.");
};

/** `PUT /v1/files/{path}` */
export const writeFile = async (call: Call): Promise<Answer> => {
  const path = call.file();
  checkContent(call);
  const metadata = decodeMetadata(pairs(call.request.rawHeaders));
  const contentType = call.headers["content-type"];
  const upload = call.upload();
  const mode = await modeOf(call, path);
  const sent = {
    ...(contentType !== undefined && { contentType }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
  try {
    const result = await call.control.session.write(call.ctx, path, upload.body, { mode, ...sent });
    return await writtenAnswer(call, path, result, result.created ? 201 : 200, sent);
  } catch (error) {
    const reason = upload.fault() ?? error;
    const exists = mode === "create" && isFileError(reason, "already-exists");
    throw await withVisibleEtag(call, path, exists ? preconditionFailed(undefined) : reason);
  }
};

/** `DELETE /v1/files/{path}` */
export const deleteFile = async (call: Call): Promise<Answer> => {
  const path = call.file();
  const recursive = call.query.flag("recursive");
  const ifMatch = await presentEtag(call, path);
  try {
    const outcome = await call.control.session.remove(call.ctx, path, {
      ...(recursive && { recursive }),
      ...(ifMatch !== undefined && { ifMatch }),
    });
    return "job" in outcome
      ? {
          status: 202,
          headers: { Location: `/v1/jobs/${outcome.job}` },
          json: { job: outcome.job },
        }
      : { status: 204 };
  } catch (error) {
    throw await withVisibleEtag(call, path, error);
  }
};

/** `POST /v1/append/{path}` */
export const appendFile = async (call: Call): Promise<Answer> => {
  const path = call.file();
  checkContent(call);
  const upload = call.upload();
  const contentType = call.headers["content-type"];
  const hash = requestDigest(call, path);
  let digest: string | undefined;
  const body = tapBody(upload.body, () => (chunk) => void hash.update(chunk));
  const drain = async (): Promise<void> => {
    for await (const chunk of upload.body.open()) hash.update(chunk);
  };
  let taken = false;
  try {
    return await once(call, {
      route: "POST /v1/append",
      digest: undefined,
      run: async () => {
        taken = true;
        const options = contentType === undefined ? {} : { contentType };
        const result = await call.control.append(call.ctx, path, body, options);
        return writtenAnswer(call, path, result, 200, options);
      },
      again: async () => statAnswer(200, path, await call.control.session.stat(call.ctx, path)),
      digested: async () => {
        if (!taken) await drain();
        taken = true;
        digest ??= hash.digest("hex");
        return digest;
      },
    });
  } catch (error) {
    throw upload.fault() ?? error;
  }
};
