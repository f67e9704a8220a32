import { readFileSync } from "node:fs";
import { join } from "node:path";
import { areas } from "./areas.ts";
import { mutate, type Mutant } from "./mutate.ts";

export const root: string = join(import.meta.dirname, "..", "..");

/** A source with all its changes in it. */
export interface Mutated {
  readonly area: string;
  readonly file: string;
  readonly code: string;
  readonly mutants: readonly Mutant[];
}

/** Every source that is mutated, its changes numbered through. */
export const mutatedSources = (): readonly Mutated[] => {
  const all: Mutated[] = [];
  let next = 0;
  for (const { name, sources } of areas)
    for (const file of sources) {
      const { code, mutants } = mutate(file, readFileSync(join(root, file), "utf8"), next);
      next += mutants.length;
      all.push({ area: name, file, code, mutants });
    }
  return all;
};
