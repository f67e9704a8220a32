import { type Asking, isUndecided } from "./asking.ts";
import { cyclicGroups } from "./memberships.ts";
import { get, none } from "./records.ts";
import { below, bitsOf, endOf, nextOfSubject, placeOf } from "./relations.ts";
import { standsUntil } from "./ring.ts";
import { firstOfBlocks, firstOfFiles } from "./subjects.ts";

/** What live relations say of a closure. */
export interface Named {
  /** Relations that give a role. */
  readonly given: readonly number[];
  /** Whether these are all. */
  readonly whole: boolean;
  /** Nodes that are blocked with what lies below, and those of which only that is; always all. */
  readonly blocks: ReadonlySet<number>;
  readonly blocksBelow: ReadonlySet<number>;
}

/** The blocks of a closure; of a group that it cannot be said not to be in too. */
export const blocksOf = (asking: Asking): Pick<Named, "blocks" | "blocksBelow"> => {
  const { held, ring, now } = asking;
  const { files, members, subjects } = held;
  const blocks = new Set<number>();
  const blocksBelow = new Set<number>();
  const read = (number: number): void => {
    let row = get(subjects.rows, number, firstOfBlocks);
    for (; row !== none; row = get(files.rows, row, nextOfSubject))
      if (endOf(files, row) > now)
        ((bitsOf(files, row) & below) === 0 ? blocks : blocksBelow).add(
          get(files.rows, row, placeOf),
        );
  };
  for (const number of ring.numbers) if (standsUntil(ring, number) > now) read(number);
  if (members.nested.size > 0)
    for (const number of cyclicGroups(members, now))
      if (standsUntil(ring, number) <= now && isUndecided(asking, number)) read(number);
  return { blocks, blocksBelow };
};

/** Reads the relations of every subject that the closure stands on, of those that give a role at most `limit`. */
export const namedBy = (asking: Asking, limit: number = Infinity): Named => {
  const { held, ring, now } = asking;
  const { files, subjects } = held;
  const given: number[] = [];
  let seen = 0;
  for (const number of ring.numbers) {
    if (standsUntil(ring, number) <= now) continue;
    let row = get(subjects.rows, number, firstOfFiles);
    for (; row !== none && seen < limit; row = get(files.rows, row, nextOfSubject)) {
      seen += 1;
      if (endOf(files, row) > now) given.push(row);
    }
  }
  return { given, whole: seen < limit, ...blocksOf(asking) };
};
