import { pathLimits, utf8Length } from "./path.ts";

/** The `i`th name for something that would be called `name`: itself first, then with `-2`, cut where it were too long. */
export const numberedName = (name: string, i: number): string => {
  if (i === 1) return name;
  const suffix = `-${i}`;
  const letters = Array.from(name);
  while (utf8Length(letters.join("")) + suffix.length > pathLimits.nameBytes) letters.pop();
  return `${letters.join("")}${suffix}`;
};
