import {
  type Backend,
  type BackendPath,
  type ByteRange,
  FileError,
  isRoot,
  nameOf,
  type ReadResult,
  type ResolvedRange,
  type Stat,
} from "@bulkhead/contract";
import { resolveRange } from "@bulkhead/kit";
import { answerFor, faultOf, isMissing } from "./fault.ts";
import { changed, isDirectoryThere, missing } from "./judge.ts";
import { directoryStat } from "./list.ts";
import { headObject, type ObjectFacts } from "./head-object.ts";
import { isDirectory } from "./look.ts";
import { decodeMetadata, writeOf } from "./metadata.ts";
import { checkAborted } from "./pull.ts";
import { bareEtag, type Store } from "./store.ts";

/** Content up to this many bytes is answered as one buffer. */
const smallBytes = 256 * 1024;

const fileStat = (path: BackendPath, facts: ObjectFacts): Stat => ({
  name: nameOf(path),
  kind: "file",
  size: facts.size,
  modifiedAt: facts.modifiedAt,
  etag: facts.etag,
  ...(facts.contentType !== undefined && { contentType: facts.contentType }),
  ...(facts.metadata && { metadata: facts.metadata }),
});

/** `Backend.stat`: of a file, where there are both a file and a directory. */
export const stat =
  (store: Store): Backend["stat"] =>
  async (ctx, path) => {
    checkAborted(ctx.signal);
    try {
      if (isRoot(path)) return directoryStat("");
      const facts = await headObject(store, store.keys.of(path), ctx.signal);
      if (facts !== undefined) return fileStat(path, facts);
      if (await isDirectory(store, path, ctx.signal)) return directoryStat(nameOf(path));
      throw missing();
    } catch (error) {
      throw answerFor(error, ctx.signal);
    }
  };

/** The header of a range, or undefined for one that selects nothing of anything: a store would answer it as it likes. */
const rangeHeader = (range: ByteRange): string | undefined => {
  if ("suffix" in range) return range.suffix > 0 ? `bytes=-${range.suffix}` : undefined;
  const { start, end } = range;
  if (end === undefined) return `bytes=${start}-`;
  return end >= start ? `bytes=${start}-${end}` : undefined;
};

/** The whole that a partial answer is a part of; undefined for an answer that is no part. */
const wholeOf = (contentRange: string | undefined): number | undefined => {
  const whole = /\/(\d+)$/.exec(contentRange ?? "")?.[1];
  return whole === undefined ? undefined : Number(whole);
};

/** What the SDK answers as content in Node. */
interface Content extends AsyncIterable<Uint8Array> {
  readonly destroy: (error?: Error) => unknown;
}
const isContent = (body: unknown): body is Content =>
  typeof body === "object" && body !== null && Symbol.asyncIterator in body && "destroy" in body;

/** The chunks of an answer, exactly as many bytes as were announced. */
async function* chunks(
  content: Content,
  size: number,
  signal: AbortSignal,
  over: () => boolean,
): AsyncGenerator<Uint8Array> {
  const stop = (): void => void content.destroy();
  signal.addEventListener("abort", stop, { once: true });
  let left = size;
  try {
    for await (const chunk of content) {
      checkAborted(signal);
      left -= chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw over() ? letGo() : answerFor(error, signal);
  } finally {
    signal.removeEventListener("abort", stop);
    content.destroy();
  }
  checkAborted(signal);
  if (over()) throw letGo();
  if (left !== 0) throw new FileError("unavailable", "The storage sent another length of content.");
}

const letGo = (): FileError =>
  new FileError("aborted", "The content was let go of before it was read to its end.");

const gathered = async (content: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> => {
  const whole = new Uint8Array(size);
  let at = 0;
  for await (const chunk of content) {
    // More than was announced is found out at the end.
    if (at + chunk.length <= size) whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
};

/** `Backend.read`: one GET; a second question only where it cannot be answered. */
export const read =
  (store: Store): Backend["read"] =>
  async (ctx, path, options = {}) => {
    checkAborted(ctx.signal);
    try {
      if (isRoot(path)) throw isDirectoryThere();
      return await get(store, path, options.range, options.ifMatch, ctx.signal);
    } catch (error) {
      if (isMissing(error))
        throw (await isDirectory(store, path, ctx.signal)) ? isDirectoryThere() : missing();
      throw answerFor(error, ctx.signal);
    }
  };

const get = async (
  store: Store,
  path: BackendPath,
  range: ByteRange | undefined,
  ifMatch: string | undefined,
  signal: AbortSignal,
): Promise<ReadResult> => {
  const key = store.keys.of(path);
  const header = range === undefined ? "" : rangeHeader(range);
  if (header === undefined && range !== undefined)
    return unsatisfiable(store, path, range, ifMatch, signal);
  const answer = await store.api
    .getObject(
      {
        Bucket: store.bucket,
        Key: key,
        ...(header !== undefined && header !== "" && { Range: header }),
      },
      { abortSignal: signal },
    )
    .catch((error: unknown) => {
      if (faultOf(error).status !== 416 || range === undefined) throw error;
      return undefined;
    });
  if (answer === undefined || !isContent(answer.Body)) {
    if (range === undefined) throw new FileError("unavailable", "The storage sent no content.");
    return unsatisfiable(store, path, range, ifMatch, signal);
  }
  const content = answer.Body;
  try {
    const length = answer.ContentLength ?? 0;
    const size = wholeOf(answer.ContentRange) ?? length;
    const facts: ObjectFacts = {
      key,
      size,
      etag: bareEtag(answer.ETag),
      modifiedAt: answer.LastModified?.getTime() ?? 0,
      contentType: answer.ContentType,
      metadata: decodeMetadata(answer.Metadata),
      write: writeOf(answer.Metadata),
    };
    if (ifMatch !== undefined && ifMatch !== facts.etag) throw changed(facts.etag);
    const resolved = range === undefined ? undefined : resolveRange(range, size);
    const expected = resolved === undefined ? size : resolved.end - resolved.start + 1;
    if (length !== expected)
      throw new FileError("unavailable", "The storage sent another part than was asked for.");
    return await resultOf(fileStat(path, facts), resolved, content, expected, signal);
  } catch (error) {
    content.destroy();
    throw error;
  }
};

const resultOf = async (
  stat: Stat,
  range: ResolvedRange | undefined,
  content: Content,
  size: number,
  signal: AbortSignal,
): Promise<ReadResult> => {
  let over = false;
  const stream = chunks(content, size, signal, () => over);
  return {
    stat,
    ...(range && { range }),
    content: size <= smallBytes ? await gathered(stream, size) : stream,
    [Symbol.asyncDispose]: async () => {
      over = true;
      content.destroy();
    },
  };
};

/** Says why a range selects nothing, the condition first. */
const unsatisfiable = async (
  store: Store,
  path: BackendPath,
  range: ByteRange,
  ifMatch: string | undefined,
  signal: AbortSignal,
): Promise<never> => {
  const facts = await headObject(store, store.keys.of(path), signal);
  if (facts === undefined)
    throw (await isDirectory(store, path, signal)) ? isDirectoryThere() : missing();
  if (ifMatch !== undefined && ifMatch !== facts.etag) throw changed(facts.etag);
  resolveRange(range, facts.size);
  throw new FileError("unavailable", "The storage does not answer this part of the content.");
};
