import {
  type Context,
  FileError,
  isFileError,
  nameOf,
  type RequestPath,
  type Session,
  type Stat,
  type WriteResult,
} from "@bulkhead/contract";
import { contentTypeOf } from "@bulkhead/kit";
import { fileStatOf } from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call } from "../call.ts";
import { stateHeaders } from "../file-headers.ts";

/** The stat that a caller may see, or undefined where there is none to see. */
export const visibleStat = async (
  session: Session,
  ctx: Context,
  path: RequestPath,
): Promise<Stat | undefined> => {
  try {
    return await session.stat(ctx, path);
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
};

/** Answers what stands at `path`. */
export const statAnswer = (status: number, path: RequestPath, stat: Stat): Answer => ({
  status,
  headers: stateHeaders(stat),
  json: fileStatOf(path, stat),
});

/**
 * Answers what a write left. Its ETag is the write's own even if somebody wrote again before the stat was taken, and a
 * key that cannot read still learns what it has written.
 */
export const writtenAnswer = async (
  { control, ctx }: Call,
  path: RequestPath,
  result: WriteResult,
  status: number,
  sent: Pick<Stat, "contentType" | "metadata"> = {},
): Promise<Answer> => {
  // Where the commit told its times all is known; but what is kept of metadata may be spelt otherwise.
  if (result.times === undefined || sent.metadata !== undefined) {
    const seen = await visibleStat(control.session, ctx, path).catch(() => undefined);
    if (seen?.etag === result.etag) return statAnswer(status, path, seen);
  }
  return statAnswer(status, path, {
    name: nameOf(path),
    kind: "file",
    size: result.size,
    modifiedAt: ctx.now,
    ...result.times,
    etag: result.etag,
    contentType: result.contentType ?? sent.contentType ?? contentTypeOf(nameOf(path)),
    ...(sent.metadata !== undefined && { metadata: sent.metadata }),
    ...(result.version !== undefined && { version: result.version }),
  });
};

/** A failed condition names the present ETag to those who may read, and to nobody else. */
export const withVisibleEtag = async (
  { control, ctx }: Call,
  path: RequestPath,
  error: unknown,
): Promise<unknown> => {
  if (!isFileError(error, "precondition-failed")) return error;
  const etag = (await visibleStat(control.session, ctx, path).catch(() => undefined))?.etag;
  return new FileError("precondition-failed", error.detail, {
    cause: error,
    fields: etag === undefined ? {} : { etag },
  });
};
