import type { RemoteFS } from "@bulkhead/client";
import { UsageError } from "./failure.ts";

/** A remote path as the user wrote it, and the server it is on. */
export interface Place {
  readonly remote: RemoteFS;
  readonly path: string;
  readonly alias: string | undefined;
  /** As written, for messages. */
  readonly text: string;
}

/** Reads `[alias:]/path`. Throws a `UsageError` for anything that does not begin with `/` after the alias. */
export const parsePlace = (
  text: string,
): { readonly alias: string | undefined; readonly path: string } => {
  const match = /^(?:([A-Za-z0-9][A-Za-z0-9_.-]+):)?(\/.*)$/su.exec(text);
  if (match?.[2] === undefined)
    throw new UsageError(
      `'${text}' is not a remote path: write /path, or alias:/path for the profile 'alias'`,
    );
  return { alias: match[1], path: match[2] };
};

/** Where something called `name` goes: into `path` if that ends with a slash, else `path` itself. */
export const destination = (path: string, name: string): string =>
  path.endsWith("/") ? path + name : path;

/** A directory may be written with a slash at its end; the server's paths have none. */
export const withoutSlash = (path: string): string =>
  path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;

/** Writes a path as it was addressed, alias included. */
export const spelled = (place: Pick<Place, "alias">, path: string): string =>
  place.alias === undefined ? path : `${place.alias}:${path}`;
