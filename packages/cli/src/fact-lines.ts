const isPlain = (value: unknown): boolean => typeof value !== "object" || value === null;

/** Writes what fits into a line: a plain value, a list of such, or an object of such; undefined for anything deeper. */
const inline = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return value.every(isPlain) ? value.join(", ") : undefined;
  const entries = Object.entries(value);
  return entries.every(([, inner]) => isPlain(inner))
    ? entries.map(([name, inner]) => `${name} ${String(inner)}`).join(", ")
    : undefined;
};

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

const below = (value: unknown): readonly string[] => {
  const line = inline(value);
  if (line !== undefined) return [line];
  if (Array.isArray(value)) return value.flatMap(below);
  return Object.entries(value ?? {}).flatMap(([name, inner]) => factLines(name, inner));
};

/** Writes a fact of an explanation in lines, what it holds indented below its name; nothing for what is empty. */
export const factLines = (name: string, value: unknown): readonly string[] => {
  if (isEmpty(value)) return [];
  const line = inline(value);
  if (line !== undefined) return [`${name}: ${line}`];
  return [`${name}:`, ...below(value).map((text) => `  ${text}`)];
};
