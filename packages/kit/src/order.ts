import type { Stat } from "@bulkhead/contract";

/** The key that listings are ordered by and continued after: the name, for a directory followed by `/`. */
export const sortKey = (entry: Pick<Stat, "name" | "kind">): string =>
  entry.kind === "directory" ? `${entry.name}/` : entry.name;

/**
 * Compares by UTF-8 bytes. JavaScript's `<` compares UTF-16 units, which differs where surrogates (beyond U+FFFF) meet
 * U+E000 to U+FFFF: moving each group where its bytes would sort makes the units comparable.
 */
export const compareUtf8 = (a: string, b: string): number => {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return fixUp(x) - fixUp(y);
  }
  return a.length - b.length;
};

const fixUp = (unit: number): number =>
  unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;

/** Orders entries as every listing does. */
export const compareEntries = (a: Stat, b: Stat): number => compareUtf8(sortKey(a), sortKey(b));
