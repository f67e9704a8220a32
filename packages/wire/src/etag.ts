import { FileError } from "@bulkhead/contract";

const opaque = /^[\x21\x23-\x7e\x80-\xff]*$/;

/** Writes an entity tag as a header has it, strong and quoted (RFC 9110 §8.8.3). */
export const quoteEtag = (etag: string): string => {
  if (!opaque.test(etag))
    throw new FileError("internal", "An entity tag holds a character that no header can carry.");
  return `"${etag}"`;
};

export interface EntityTag {
  readonly tag: string;
  readonly weak: boolean;
}

/** Reads `*` or a list of entity tags (RFC 9110 §13.1.1), or returns undefined where it is neither. */
export const parseEtags = (value: string): "*" | readonly EntityTag[] | undefined => {
  const text = value.trim();
  if (text === "*") return "*";
  const tags: EntityTag[] = [];
  const element = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(?:,|$)/y;
  while (element.lastIndex < text.length) {
    const match = element.exec(text);
    if (match === null) return undefined;
    if (match[2] !== undefined) tags.push({ tag: match[2], weak: match[1] !== undefined });
  }
  return tags.length === 0 ? undefined : tags;
};
