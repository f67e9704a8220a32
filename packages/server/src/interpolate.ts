import type { ConfigPath } from "./config-error.ts";

const reference = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

type Env = Readonly<Record<string, string | undefined>>;
type Refuse = (path: ConfigPath, message: string) => never;

/** The names of the variables that a text refers to. */
export const variablesIn = (text: string): readonly string[] =>
  [...text.matchAll(reference)].map(([, name = ""]) => name);

/**
 * Replaces `${VAR}` and `${VAR:-default}` in every string of a parsed configuration. A string that is nothing but one
 * reference takes the value's YAML type, so that `port: ${PORT}` is a number. Tells `refuse` of a variable that is not
 * set and has no default. Replaced after parsing: a variable's content is never read as structure.
 */
export const interpolate = (
  value: unknown,
  env: Env,
  refuse: Refuse,
  path: ConfigPath = [],
): unknown => {
  if (typeof value === "string") return interpolateText(value, env, (why) => refuse(path, why));
  if (Array.isArray(value))
    return value.map((item, i) => interpolate(item, env, refuse, [...path, i]));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        interpolate(item, env, refuse, [...path, key]),
      ]),
    );
  return value;
};

const interpolateText = (text: string, env: Env, refuse: (why: string) => never): unknown => {
  const replaced = text.replace(reference, (_, name: string, fallback: string | undefined) => {
    const value = env[name] ?? "";
    // As in a shell, ':-' also stands in for a variable that is set but empty.
    if (value !== "") return value;
    if (fallback !== undefined) return fallback;
    if (env[name] === undefined)
      refuse(`\${${name}}: the variable is not set; set it, or write \${${name}:-a default}`);
    return value;
  });
  const whole = text.match(reference);
  if (whole === null || whole.length !== 1 || whole[0] !== text) return replaced;
  if (/^-?\d+$/.test(replaced)) return Number(replaced);
  return replaced === "true" ? true : replaced === "false" ? false : replaced;
};
