import type { Defect } from "./defect.ts";

/** Why a defect cannot be planted in `text`, or undefined if it can. */
export const misfit = ({ before, after }: Defect, text: string): string | undefined => {
  const [, ...rest] = text.split(before);
  if (rest.length === 0) return "the text that it replaces is not there";
  if (rest.length > 1) return `the text that it replaces is there ${rest.length} times`;
  return before === after ? "it changes nothing" : undefined;
};

/** The text of its file with a defect in it. Throws where it does not fit. */
export const planted = (defect: Defect, text: string): string => {
  const fault = misfit(defect, text);
  if (fault !== undefined) throw new Error(`${defect.name}: ${fault}.`);
  // By a function: what is put in is no pattern of replacement.
  return text.replace(defect.before, () => defect.after);
};
