import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { ConfigError, type ConfigPath } from "./config-error.ts";
import { interpolate, variablesIn } from "./interpolate.ts";

/** A configuration as it was written. */
export interface ConfigDocument {
  /** With the variables filled in. */
  readonly value: unknown;
  /** The line on which something stands, from 1; of the nearest thing around it that the file has. */
  readonly lineOf: (path: ConfigPath) => number | undefined;
  /** True where the file says it, and not a default. */
  readonly says: (path: ConfigPath) => boolean;
  /** The variables that are named there. */
  readonly variablesAt: (path: ConfigPath) => readonly string[];
}

const plain = (node: unknown): unknown => (isScalar(node) ? node.value : undefined);

/** Reads YAML and fills in the variables. Throws a `ConfigError` whose faults name `file` and their lines. */
export const readDocument = (
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): ConfigDocument => {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const line = (offset: number | undefined): number | undefined =>
    offset === undefined ? undefined : counter.linePos(offset).line;

  /** Goes as far down as the file goes. */
  const find = (
    path: ConfigPath,
  ): { readonly node: unknown; readonly at: number | undefined; readonly depth: number } => {
    let node: unknown = document.contents;
    let at = document.contents?.range?.[0];
    let depth = 0;
    for (const name of path) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => String(plain(key)) === String(name));
        if (pair === undefined) break;
        node = pair.value;
        at = isScalar(pair.key) ? pair.key.range?.[0] : at;
      } else if (isSeq(node) && typeof name === "number" && name < node.items.length) {
        node = node.items[name];
        at = isMap(node) || isScalar(node) || isSeq(node) ? node.range?.[0] : at;
      } else break;
      depth += 1;
    }
    return { node, at, depth };
  };

  const lineOf = (path: ConfigPath): number | undefined => line(find(path).at);
  const where = (path: ConfigPath): string => {
    const found = path.length === 0 ? undefined : lineOf(path);
    return found === undefined ? `${file}: ` : `${file}:${found}: `;
  };

  const [bad] = document.errors;
  if (bad !== undefined)
    throw new ConfigError(
      // Its own words have a line and a drawing below the first.
      [{ path: [], message: (bad.message.split(/ at line | *\n/)[0] ?? "").trim() }],
      () => `${file}:${line(bad.pos[0]) ?? 1}: `,
    );
  const fail = (message: string): never => {
    throw new ConfigError([{ path: [], message }], where);
  };
  const read = (): unknown => {
    let value: unknown;
    try {
      value = document.toJS() ?? {};
    } catch (error) {
      // An alias of nothing, or aliases of aliases without end: found out only here.
      return fail(error instanceof Error ? error.message : "it cannot be read");
    }
    try {
      JSON.stringify(value);
      return value;
    } catch {
      return fail("an alias stands for something that holds it");
    }
  };
  return {
    value: interpolate(read(), env, (path, message) => {
      throw new ConfigError([{ path, message }], where);
    }),
    lineOf,
    says: (path) => find(path).depth === path.length,
    variablesAt: (path) => {
      const { node, depth } = find(path);
      const text = plain(node);
      return depth === path.length && typeof text === "string" ? variablesIn(text) : [];
    },
  };
};

/** Spells the line of the file in front of a fault. */
export const linesOf =
  (document: ConfigDocument | undefined, file: string | undefined) =>
  (path: ConfigPath): string => {
    if (file === undefined) return "";
    const line = path.length === 0 ? undefined : document?.lineOf(path);
    return line === undefined ? `${file}: ` : `${file}:${line}: `;
  };
