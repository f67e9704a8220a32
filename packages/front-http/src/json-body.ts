import { isFileError } from "@bulkhead/contract";
import { collect } from "@bulkhead/kit";
import type { z } from "zod";
import { HttpFault, malformed } from "./fault.ts";
import type { Upload } from "./upload.ts";

/** The most that a JSON body holds, in bytes. */
const jsonLimit: number = 1024 * 1024;
const depthLimit = 64;

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)));

/**
 * Reads the bytes of a JSON body. Throws `too-large` beyond `jsonLimit`. Whatever the media type says: these routes take
 * nothing else, and the clients that name another one, as curl does by default, mean JSON.
 */
export const jsonBytes = async (upload: Upload): Promise<Uint8Array> => {
  if ((upload.body.size ?? 0) > jsonLimit)
    throw new HttpFault(413, "Too large", `A JSON body has at most ${jsonLimit} bytes.`, {
      code: "too-large",
    });
  try {
    return await collect(upload.body.open(), jsonLimit);
  } catch (error) {
    throw isFileError(error, "too-large") ? error : (upload.fault() ?? error);
  }
};

const utf8 = new TextDecoder("utf-8", { fatal: true });

const parse = (bytes: Uint8Array): unknown => {
  // A body that says nothing is an object without members.
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw malformed("The body is not JSON in UTF-8.");
  }
};

/** Parses and checks a JSON body. Throws `invalid-request` with the place of the first fault. */
export const parseJson = <T>(bytes: Uint8Array, schema: z.ZodType<T>): T => {
  const value = parse(bytes);
  if (isDeeper(value, depthLimit)) throw malformed(`The body nests at most ${depthLimit} levels.`);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path.map(String).join(".") ?? "";
  throw malformed(
    place === "" ? `The body: ${issue?.message}.` : `The field '${place}': ${issue?.message}.`,
  );
};
