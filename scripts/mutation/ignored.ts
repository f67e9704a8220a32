import type { Mutant } from "./mutate.ts";

interface Ignored {
  readonly file: string;
  readonly was: string;
  readonly became: string;
  /** Why nothing can notice it. */
  readonly reason: string;
}

const all: readonly Ignored[] = [];

/** Why a mutant that survived is none that a test could kill; undefined where it is. */
export const ignoredFor = (file: string, { was, became }: Mutant): string | undefined =>
  all.find((one) => one.file === file && one.was === was && one.became === became)?.reason;
