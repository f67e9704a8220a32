import { randomBytes } from "node:crypto";
import type { Operation } from "./call.ts";

/** What the placeholders of one run stand for. */
export interface Names {
  /** Ids of the tenants, prefixes of one another. */
  readonly ids: readonly string[];
  /** A word for each tenant that nobody else may ever see. */
  readonly words: readonly string[];
  /** A directory on the platform's ground. */
  readonly ground: string;
  /** What makes the names of users and groups this run's own. */
  readonly mark: string;
}

/** Names that no other run has. `mark` makes two runs on two servers speak of the same. */
export const namesFor = (
  mark: string,
  words: () => string = () => randomBytes(8).toString("hex"),
): Names => ({
  ids: [`${mark}-a`, `${mark}-ab`, `${mark}_a`],
  words: [words(), words(), words()].map((word) => `w${word}`),
  ground: `g${mark}`,
  mark,
});

/** Puts names for placeholders; `own` is the number of the caller's tenant. */
export const fill = (names: Names, own: number | undefined, text: string): string =>
  text
    .replace(/<m>/g, names.mark)
    .replace(/<(\d)>/g, (_, i: string) => names.ids[Number(i)] ?? "")
    .replace(/<w(\d)>/g, (_, i: string) => names.words[Number(i)] ?? "")
    .replace(/<w>/g, () => (own === undefined ? "platform" : (names.words[own] ?? "")));

/** As `fill`, for every string of an operation; the platform's own paths go to its ground. */
export const filled = <O extends Operation>(
  names: Names,
  own: number | undefined,
  home: string,
  operation: O,
): O => {
  const paths: readonly string[] = ["path", "from", "to"];
  const value = (name: string, raw: unknown): unknown => {
    if (typeof raw !== "string") return raw;
    const text = fill(names, own, raw);
    const absolute = /^\/(?:workspace|tenants)\/./.test(text);
    if (!paths.includes(name) || home === "" || absolute) return text;
    return text === "/" || text === "/workspace" || text === "/tenants" ? home : home + text;
  };
  return Object.assign(
    structuredClone(operation),
    Object.fromEntries(Object.entries(operation).map(([name, raw]) => [name, value(name, raw)])),
  );
};
