import { type Body, FileError, isFileError } from "@bulkhead/contract";
import { windowBytes, type Writing } from "./uploads-folder.ts";

export interface StagedPart {
  readonly body: Body;
  readonly writing: Writing;
  readonly offset: number;
  /** Of the whole upload. */
  readonly size: number;
  /** True if nothing of it counts unless all of it comes. */
  readonly whole: boolean;
  /** Called before so many bytes of the upload are there in all. */
  readonly room: (total: number) => Promise<void>;
  /** Called with what is durable. Throws where the writer may not go on. */
  readonly reached: (stored: number) => Promise<void>;
}

/** What is no refusal: the sender went away, or stopped. */
const brokeOff = (error: unknown): boolean =>
  !(error instanceof FileError) || isFileError(error, "aborted") || isFileError(error, "timeout");

/**
 * Writes a part of an upload and answers where it ends. What came before the sender broke off is kept to the byte; what
 * came from somebody who was refused meanwhile is not.
 */
export const stagePart = async (part: StagedPart): Promise<number> => {
  const { body, writing, offset, size, whole } = part;
  const tooLong = (): FileError =>
    new FileError("invalid-request", `The upload has ${size} bytes, and this is more.`);
  if (offset + (body.size ?? 0) > size) throw tooLong();
  let at = offset;
  let counted = offset;
  let allowed = offset;
  const count = async (): Promise<void> => {
    if (at === counted) return;
    await writing.sync();
    await part.reached(at);
    counted = at;
  };
  try {
    for await (const chunk of body.open()) {
      if (at + chunk.length > size) throw tooLong();
      if (at + chunk.length > allowed) {
        allowed = Math.min(size, at + chunk.length + windowBytes);
        await part.room(allowed);
      }
      await writing.write(chunk);
      at += chunk.length;
      if (!whole && at - counted >= windowBytes) await count();
    }
  } catch (error) {
    if (!whole && brokeOff(error)) await count();
    throw error;
  }
  await count();
  return at;
};
