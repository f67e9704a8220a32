import { type Scope, scopes } from "@bulkhead/contract";
import { InvalidArgumentError } from "commander";

/** A part of a file, as the client takes it. */
export type Range = { readonly start: number; readonly end?: number } | { readonly suffix: number };

const refuse = (why: string): never => {
  throw new InvalidArgumentError(why);
};

export const wholeNumber = (text: string): number =>
  /^[1-9]\d{0,8}$/.test(text) ? Number(text) : refuse("It is a whole number above 0.");

export const byteRange = (text: string): Range => {
  const suffix = /^-(\d+)$/.exec(text)?.[1];
  if (suffix !== undefined) return { suffix: Number(suffix) };
  const match = /^(\d+)-(\d*)$/.exec(text);
  if (match === null) return refuse("A range is 0-99, 100- or -100.");
  const start = Number(match[1]);
  return match[2] === "" ? { start } : { start, end: Number(match[2]) };
};

const pair = (text: string): readonly [string, string] => {
  const cut = text.indexOf("=");
  return cut < 1 ? refuse("It is name=value.") : [text.slice(0, cut), text.slice(cut + 1)];
};

/** Gathers `name=value`, given any number of times. */
export const pairs = (
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => ({ ...before, ...Object.fromEntries([pair(text)]) });

/** Reads a number of bytes or things: `1000`, `64K`, `10G`; `unlimited` is null. */
const amount = (text: string): number | null => {
  if (text === "unlimited") return null;
  const match = /^(\d+)([KMGT]?)$/.exec(text) ?? refuse("A limit is a number, 10G or unlimited.");
  const value = Number(match[1]) * 1024 ** ["", "K", "M", "G", "T"].indexOf(match[2] ?? "");
  return Number.isSafeInteger(value) ? value : refuse("A limit is below 8,192T.");
};

/** Reads a number of bytes. */
export const bytes = (text: string): number => amount(text) ?? refuse("It is a number, or 10G.");

/** Gathers `resource=amount`, given any number of times. */
export const limits = (
  text: string,
  before: Readonly<Record<string, number | null>> = {},
): Readonly<Record<string, number | null>> => {
  const [resource, value] = pair(text);
  return { ...before, ...Object.fromEntries([[resource, amount(value)]]) };
};

/** Gathers `name=value`, given any number of times; a value is `true`, `false`, a number or a text. */
export const settings = (
  text: string,
  before: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> => {
  const [name, value] = pair(text);
  const known = value === "true" || value === "false" || /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(value);
  return { ...before, ...Object.fromEntries([[name, known ? JSON.parse(value) : value]]) };
};

/** As `limits`; `plan` stands for what the plan says. */
export const planLimits = (
  text: string,
  before: Readonly<Record<string, number | null | "plan">> = {},
): Readonly<Record<string, number | null | "plan">> => {
  const [resource, value] = pair(text);
  return { ...before, [resource]: value === "plan" ? "plan" : amount(value) };
};

/** Reads a list with commas between. */
export const commaList = (text: string): readonly string[] =>
  text.split(",").map((item) => (item === "" ? refuse("It is a list like a,b.") : item));

/** Reads a point in time and writes it as RFC 3339. */
export const time = (text: string): string => {
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at)
    ? refuse("A time is 2026-12-31 or 2026-12-31T23:59:00Z.")
    : new Date(at).toISOString();
};

/** Reads a list of scopes. */
export const scopeList = (text: string): readonly Scope[] =>
  commaList(text).map(
    (name) =>
      scopes.find((scope) => scope === name) ?? refuse(`The scopes are ${scopes.join(", ")}.`),
  );

/** Reads `type:id`. */
export const subject = (text: string): { type: "user" | "agent" | "service"; id: string } => {
  const [, type, id] = /^(user|agent|service):(.+)$/s.exec(text) ?? [];
  if (id === undefined || (type !== "user" && type !== "agent" && type !== "service"))
    return refuse("A subject is user:alice, agent:… or service:….");
  return { type, id };
};

/** Reads an object in JSON. */
export const jsonObject = (text: string): Readonly<Record<string, unknown>> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("It is JSON.");
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...value }
    : refuse("It is an object in JSON.");
};

/** Reads a user's id, or `type:id` for those that are no people. */
export const someone = (text: string): { type: "user" | "agent" | "service"; id: string } =>
  /^[^:]+$/s.test(text) ? { type: "user", id: text } : subject(text);

/** Reads a number of days, also a part of one. */
export const days = (text: string): number => {
  const value = /^\d{1,5}(?:\.\d{1,6})?$/.test(text) ? Number(text) : 0;
  return value > 0 ? value : refuse("It is a number of days above 0.");
};

export const seconds = (text: string): number =>
  /^\d{1,9}$/.test(text) ? Number(text) : refuse("It is a number of seconds.");

/** Finds `text` among what an option may be. */
export const oneOf =
  <T extends string>(choices: readonly T[]) =>
  (text: string): T =>
    choices.find((choice) => choice === text) ?? refuse(`It is one of ${choices.join(", ")}.`);
