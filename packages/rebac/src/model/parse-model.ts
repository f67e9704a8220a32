import { FileError, isFileError } from "@bulkhead/contract";
import { checkModel } from "./check-model.ts";
import { decodeModel } from "./decode-model.ts";
import { reservedTypes } from "./file-model.ts";
import type { Lines } from "./lines.ts";
import { dslLines, jsonLines } from "./lines.ts";
import type { Model } from "./model.ts";
import { modelError } from "./model-error.ts";
import { modelLimits } from "./model-limits.ts";
import { parseDsl, parseJson } from "./parse-source.ts";

const parse = async (source: string): Promise<{ readonly model: Model; readonly lines: Lines }> => {
  if (Buffer.byteLength(source) > modelLimits.bytes)
    throw new FileError("too-large", `A model may have at most ${modelLimits.bytes} bytes.`, {
      fields: { limit: modelLimits.bytes },
    });
  const isJson = source.trimStart().startsWith("{");
  const lines = isJson ? jsonLines(source) : dslLines(source);
  const model = decodeModel(isJson ? parseJson(source) : await parseDsl(source), lines);
  checkModel(model, lines);
  return { model, lines };
};

const orInvalid = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (isFileError(error)) throw error;
    throw new FileError("invalid-request", "the model does not parse", { cause: error });
  }
};

/**
 * Parses an authorization model, in OpenFGA's language or as JSON, and validates it.
 * Rejects with `invalid-request` whose message begins with the line, and with `too-large` beyond 32 KiB.
 */
export const parseModel = async (source: string): Promise<Model> =>
  (await orInvalid(parse(source))).model;

/**
 * Parses a tenant's own model. Beyond `parseModel` it refuses to define the types of the built-in model anew: they may
 * stand in it as plain subjects (`type user`), without relations.
 */
export const validateModel = async (source: string): Promise<Model> => {
  const { model, lines } = await orInvalid(parse(source));
  for (const [type, relations] of Object.entries(model.types))
    if (reservedTypes.includes(type) && Object.keys(relations).length > 0)
      throw modelError(
        `the type ${type} is reserved: name it as a subject without relations, or choose another name`,
        lines.type(type),
      );
  return model;
};
