/** What stands in an answer for a character that XML cannot hold, and which those are that a name can. */
export const replacement = "\ufffd";
const candidates = [replacement, "\ufffe", "\uffff"] as const;

/** A name with more of them is left as it was told. */
const most = 3;

/** What a text may have been that came with U+FFFD from a store that cannot tell. */
export const spellings = (name: string): readonly string[] => {
  const parts = name.split(replacement);
  if (parts.length - 1 > most) return [name];
  return parts.reduce<readonly string[]>(
    (all, part, i) =>
      i === 0 ? [part] : all.flatMap((one) => candidates.map((c) => `${one}${c}${part}`)),
    [],
  );
};
