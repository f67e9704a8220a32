import { parse } from "yaml";
import { ConfigError } from "./config-schema.ts";

const reference = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/**
 * Replaces `${VAR}` and `${VAR:-default}` in every string of a parsed configuration. A string that is nothing but one
 * reference takes the value's YAML type, so that `port: ${PORT}` is a number. Throws for a variable that is not set and
 * has no default. Replaced after parsing: a variable's content is never read as structure.
 */
const interpolate = (
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
): unknown => {
  if (typeof value === "string") return interpolateText(value, env);
  if (Array.isArray(value)) return value.map((item) => interpolate(item, env));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, interpolate(item, env)]),
    );
  return value;
};

const interpolateText = (
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): unknown => {
  const replaced = text.replace(reference, (_, name: string, fallback: string | undefined) => {
    const value = env[name] ?? "";
    // As in a shell, ':-' also stands in for a variable that is set but empty.
    if (value !== "") return value;
    if (fallback !== undefined) return fallback;
    if (env[name] === undefined)
      throw new ConfigError([`\${${name}}: the variable is not set and has no default`]);
    return value;
  });
  const whole = text.match(reference);
  if (whole === null || whole.length !== 1 || whole[0] !== text) return replaced;
  if (/^-?\d+$/.test(replaced)) return Number(replaced);
  return replaced === "true" ? true : replaced === "false" ? false : replaced;
};

/** Reads YAML and fills in the variables. Throws `ConfigError`. */
export const parseYaml = (
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): unknown => {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : "not YAML"]);
  }
  return interpolate(value ?? {}, env);
};
