// oxlint-disable-next-line no-control-regex -- control characters are what this expression is about
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Shows what would steer a terminal, or turn the reading direction, as an escape. `keep` holds what is meant. */
export const printable = (text: string, keep = ""): string =>
  text.replace(control, (character) =>
    keep.includes(character)
      ? character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Counts the columns that `text` takes in a terminal. */
export const columnsOf = (text: string): number => {
  // oxlint-disable-next-line no-control-regex -- the ESC that begins a colour
  const plain = text.replace(/\u001b\[[0-9;]*m/g, "");
  let columns = 0;
  for (const { segment } of graphemes.segment(plain)) columns += wide.test(segment) ? 2 : 1;
  return columns;
};
