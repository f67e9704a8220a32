import type { Stat, VersionEntry } from "@bulkhead/contract";
import { contentTypeOf } from "@bulkhead/kit";

/** A file that was stored without a type has the one that its name tells, whatever it is called by then. */
export const typed = (stat: Stat): Stat =>
  stat.kind === "file" && stat.contentType === undefined
    ? { ...stat, contentType: contentTypeOf(stat.name) }
    : stat;

/** The same of an earlier content of the file that is called `name`. */
export const typedVersion = (name: string, entry: VersionEntry): VersionEntry =>
  entry.kind === "write" && entry.contentType === undefined
    ? { ...entry, contentType: contentTypeOf(name) }
    : entry;
