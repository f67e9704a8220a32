import { UsageError } from "./failure.ts";
import { parsePlace, withoutSlash } from "./place.ts";

/** What a relation is on, and which server knows it. */
export interface Named {
  readonly alias: string | undefined;
  /** `file:/data`, `group:staff`, `tenant:acme`, or an object of a tenant's own model. */
  readonly object: string;
}

/** Reads `[alias:]/path`, or `type:id` as relations write it. Throws a `UsageError` for anything else. */
export const parseObject = (text: string): Named => {
  const file = /^file:(\/.*)$/su.exec(text)?.[1];
  if (file !== undefined) return { alias: undefined, object: `file:${withoutSlash(file)}` };
  if (/^[A-Za-z0-9_-]+:[^/]/u.test(text)) return { alias: undefined, object: text };
  try {
    const { alias, path } = parsePlace(text);
    return { alias, object: `file:${withoutSlash(path)}` };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(
      `'${text}' names nothing that relations are on: write /path, alias:/path, group:<id> or tenant:<id>`,
    );
  }
};
