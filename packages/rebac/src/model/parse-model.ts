import { FileError, isFileError } from "@bulkhead/contract";
import { checkModel } from "./check-model.ts";
import { decodeModel } from "./decode-model.ts";
import { reservedTypes } from "./file-model.ts";
import type { Lines } from "./lines.ts";
import { dslLines, jsonLines } from "./lines.ts";
import type { Model } from "./model.ts";
import { modelError } from "./model-error.ts";
import { modelLimits } from "./model-limits.ts";

interface SyntaxProblem {
  readonly line?: { readonly start: number } | undefined;
  readonly msg?: string;
}

/** The parser descends into what is nested, so nesting is bounded before it is asked. */
const checkNesting = (source: string): void => {
  let depth = 0;
  let line = 1;
  for (const character of source) {
    if (character === "\n") line += 1;
    else if ("([{".includes(character)) depth += 1;
    else if (")]}".includes(character)) depth -= 1;
    if (depth > 2 * modelLimits.depth)
      throw modelError(`nested more than ${2 * modelLimits.depth} deep`, line);
  }
};

const parseDsl = async (source: string): Promise<unknown> => {
  // Loaded when a model is written, and by nobody else: the parser is large and slow to load.
  const { errors, transformer } = await import("@openfga/syntax-transformer");
  try {
    return transformer.transformDSLToJSONObject(source);
  } catch (error) {
    if (!(error instanceof errors.BaseMultiError))
      throw modelError(`the model does not parse: ${error instanceof Error ? error.message : ""}`);
    const first: SyntaxProblem | undefined = error.errors[0];
    throw modelError(
      first?.msg ?? "the model does not parse",
      first?.line === undefined ? undefined : first.line.start + 1,
    );
  }
};

const parseJson = (source: string): unknown => {
  try {
    return JSON.parse(source);
  } catch (error) {
    const at = error instanceof Error ? /at position (\d+)/u.exec(error.message)?.[1] : undefined;
    const line = at === undefined ? undefined : source.slice(0, Number(at)).split("\n").length;
    throw modelError("the model starts as JSON and is none", line);
  }
};

const parse = async (source: string): Promise<{ readonly model: Model; readonly lines: Lines }> => {
  if (Buffer.byteLength(source) > modelLimits.bytes)
    throw new FileError("too-large", `A model may have at most ${modelLimits.bytes} bytes.`, {
      fields: { limit: modelLimits.bytes },
    });
  const isJson = source.trimStart().startsWith("{");
  if (!isJson) checkNesting(source);
  const lines = isJson ? jsonLines(source) : dslLines(source);
  const model = decodeModel(isJson ? parseJson(source) : await parseDsl(source));
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
 * Rejects with `invalid-request` whose message begins with the line, and with `too-large` beyond 64 KiB.
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
