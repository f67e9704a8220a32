import type { z } from "zod";
import type { ConfigFault, ConfigPath } from "./config-error.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The schemas that may hold at a place: below each of several alternatives. */
const schemasAt = (schema: unknown, path: ConfigPath): readonly JsonSchema[] => {
  if (!isSchema(schema)) return [];
  const others = [schema["anyOf"], schema["allOf"]].flatMap((list) =>
    Array.isArray(list) ? list.flatMap((one) => schemasAt(one, path)) : [],
  );
  const [name, ...rest] = path;
  if (name === undefined) return [schema, ...others];
  const { properties, items, additionalProperties } = schema;
  const named = isSchema(properties) ? properties[name] : undefined;
  const next = typeof name === "number" ? items : (named ?? additionalProperties);
  return [...schemasAt(next, rest), ...others];
};

const keysAt = (schema: JsonSchema, path: ConfigPath): readonly string[] =>
  schemasAt(schema, path).flatMap(({ properties }) =>
    isSchema(properties) ? Object.keys(properties) : [],
  );

/** How many letters have to be put in, left out or changed (Levenshtein) to make one word of the other. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
};

const unknownKey = (key: string, known: readonly string[]): string => {
  const near = known
    .map((name) => ({ name, far: distance(key.toLowerCase(), name.toLowerCase()) }))
    .toSorted((a, b) => a.far - b.far)[0];
  if (near !== undefined && near.far <= Math.max(2, key.length / 3))
    return `there is no such setting; did you mean '${near.name}'?`;
  return `there is no such setting; here are: ${known.toSorted((a, b) => (a < b ? -1 : 1)).join(", ")}`;
};

/** Restates what a schema refused, each with its place and with what would do. */
export const faultsOf = (
  issues: readonly z.core.$ZodIssue[],
  schema: JsonSchema,
): readonly ConfigFault[] =>
  issues.flatMap((issue) => {
    const path = issue.path.map((name) => (typeof name === "number" ? name : String(name)));
    return issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({
          path: [...path, key],
          message: unknownKey(key, keysAt(schema, path)),
        }))
      : [{ path, message: issue.message }];
  });
