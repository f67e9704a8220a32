import { FileError } from "@bulkhead/contract";

/** What recovery is told of an effect, as one string. */
export type StagedId =
  /** An object with this write id; with `upload` while its parts are there; with `source`, the ETag of what moved. */
  | {
      readonly kind: "object";
      readonly write: string;
      readonly upload?: string;
      readonly source?: string;
    }
  /** The removal of the file with that ETag. */
  | { readonly kind: "gone"; readonly write: string; readonly etag: string }
  /** Many objects, each with this write id; or the removal of many. */
  | { readonly kind: "tree"; readonly write: string };

/** Writes it down. */
export const stagedId = (id: StagedId): string => JSON.stringify(id);

const isStagedId = (value: unknown): value is StagedId =>
  typeof value === "object" &&
  value !== null &&
  "kind" in value &&
  (value.kind === "object" || value.kind === "gone" || value.kind === "tree") &&
  "write" in value &&
  typeof value.write === "string";

/** Reads it back. Throws `invalid-request` for what is none. */
export const parseStagedId = (text: string): StagedId => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isStagedId(value)) return value;
  throw new FileError("invalid-request", "This is not the id of anything that was staged here.");
};
