import {
  type ByteRange,
  FileError,
  isFileError,
  type ReadResult,
  type Stat,
} from "@bulkhead/contract";
import type { Answer } from "../answer.ts";
import type { Call } from "../call.ts";
import { readConditions } from "../conditions.ts";
import type { Sending } from "../flow.ts";
import { contentHeaders, stateHeaders } from "../file-headers.ts";
import { parseRange } from "../range-header.ts";

/** Answers that the caller has it already. */
export const notModified = (stat: Stat): Answer => ({ status: 304, headers: stateHeaders(stat) });

/** Answers content, or the range of it that was opened. */
export const contentAnswer = (result: ReadResult, sending: Sending): Answer => {
  const { stat, range } = result;
  const length = range === undefined ? stat.size : range.end - range.start + 1;
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...contentHeaders(stat),
      ...(range !== undefined && {
        "Content-Range": `bytes ${range.start}-${range.end}/${stat.size}`,
      }),
    },
    read: { result, length, sending },
  };
};

// A range is ignored on HEAD (RFC 9110 §14.2). Opened all the same, so that what GET refuses HEAD refuses too: a look at
// the stat alone is allowed in places where content is not.
const head = async (call: Call): Promise<Answer> => {
  const conditions = readConditions(call.headers);
  const path = call.file();
  const version = call.query.text("version");
  await using result = await call.control.session.read(call.ctx, path, {
    ...(version !== undefined && { version }),
  });
  const { stat } = result;
  call.control.metering.count(call.ctx, "lookup", path);
  if (conditions.unmodified(stat)) return notModified(stat);
  return { status: 200, headers: contentHeaders(stat), length: stat.size };
};

const get = async (call: Call): Promise<Answer> => {
  const conditions = readConditions(call.headers);
  const path = call.file();
  const version = call.query.text("version");
  const wanted = parseRange(call.headers.range);
  const sending = call.flow.open();
  const open = (range: ByteRange | undefined): Promise<ReadResult> =>
    call.control.session.read(call.ctx, path, {
      ...(range !== undefined && { range }),
      ...(version !== undefined && { version }),
      piece: sending.piece,
      reuse: sending.reuse,
    });
  // Conditions come before the range (RFC 9110 §13.2.2), and are judged on the very content that is answered.
  const judged = async (result: ReadResult, refused: FileError | undefined): Promise<Answer> => {
    let kept = false;
    try {
      if (conditions.unmodified(result.stat)) {
        call.control.metering.count(call.ctx, "lookup", path);
        return notModified(result.stat);
      }
      if (conditions.allowsRange(result.stat)) {
        if (refused !== undefined) throw refused;
      } else if (result.range !== undefined) return await judged(await open(undefined), undefined);
      kept = true;
      return contentAnswer(result, sending);
    } finally {
      if (!kept) await result[Symbol.asyncDispose]();
    }
  };
  try {
    return await judged(await open(wanted), undefined);
  } catch (error) {
    if (!isFileError(error, "range-not-satisfiable") || !conditions.any) throw error;
    return judged(await open(undefined), error);
  }
};

/** `GET` and `HEAD /v1/files/{path}` */
export const readFile = (call: Call): Promise<Answer> =>
  call.request.method === "HEAD" ? head(call) : get(call);
