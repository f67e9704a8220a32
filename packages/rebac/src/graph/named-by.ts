import { type Asking, isUndecided } from "./asking.ts";
import { cyclicGroups } from "./memberships.ts";
import { get, none } from "./records.ts";
import { below, bitsOf, blocked, endOf, nextOfSubject, placeOf } from "./relations.ts";
import { standsUntil } from "./ring.ts";
import { firstOfFiles } from "./subjects.ts";

/** All that live relations say of a closure. */
export interface Named {
  /** Relations that give a role. */
  readonly given: readonly number[];
  /** Nodes that are blocked with what lies below, and those of which only that is. */
  readonly blocks: ReadonlySet<number>;
  readonly blocksBelow: ReadonlySet<number>;
}

/** Reads the relations of every subject that the closure stands on; it costs as much as there are. */
export const namedBy = (asking: Asking): Named => {
  const { held, ring, now } = asking;
  const { files, members, subjects } = held;
  const given: number[] = [];
  const blocks = new Set<number>();
  const blocksBelow = new Set<number>();
  const read = (number: number, onlyBlocks: boolean): void => {
    let row = get(subjects.rows, number, firstOfFiles);
    for (; row !== none; row = get(files.rows, row, nextOfSubject)) {
      const bits = bitsOf(files, row);
      if (endOf(files, row) <= now) continue;
      if ((bits & blocked) !== 0)
        ((bits & below) === 0 ? blocks : blocksBelow).add(get(files.rows, row, placeOf));
      else if (!onlyBlocks) given.push(row);
    }
  };
  for (const number of ring.numbers) if (standsUntil(ring, number) > now) read(number, false);
  if (members.nested.size > 0)
    for (const number of cyclicGroups(members, now))
      if (standsUntil(ring, number) <= now && isUndecided(asking, number)) read(number, true);
  return { given, blocks, blocksBelow };
};
