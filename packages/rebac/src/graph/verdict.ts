import { editor, owner, viewer } from "./relations.ts";
import { canRead, canShare, canWrite, type Verdict } from "./types.ts";

/** What was met on the way down to a path. */
export interface Tally {
  /** The latest end of each role that holds, 0 where none does. */
  owner: number;
  editor: number;
  viewer: number;
  blocked: boolean;
  /** Whether something blocks could not be decided; it is taken to. */
  unsure: boolean;
}

export const tally = (): Tally => ({
  owner: 0,
  editor: 0,
  viewer: 0,
  blocked: false,
  unsure: false,
});

export const copyTally = (from: Tally, to: Tally): void => {
  to.owner = from.owner;
  to.editor = from.editor;
  to.viewer = from.viewer;
  to.blocked = from.blocked;
  to.unsure = from.unsure;
};

export const clearTally = (met: Tally): void => {
  met.owner = 0;
  met.editor = 0;
  met.viewer = 0;
  met.blocked = false;
  met.unsure = false;
};

/** Which roles give a permission. */
export const rolesFor = (permission: number): number => {
  if ((permission & canShare) !== 0) return owner;
  return (permission & canWrite) !== 0 ? owner | editor : owner | editor | viewer;
};

/** Verdicts that never end are shared. */
const lasting: readonly Verdict[] = Array.from({ length: 32 }, (_, bits) => ({
  mask: bits & 7,
  leads: (bits & 8) !== 0,
  until: Infinity,
  indeterminate: (bits & 16) !== 0,
}));

const verdict = (mask: number, leads: boolean, until: number, indeterminate: boolean): Verdict =>
  until === Infinity
    ? lasting[mask | (leads ? 8 : 0) | (indeterminate ? 16 : 0)]!
    : { mask, leads, until, indeterminate };

/**
 * Combines the roles. Each permission lasts as long as the longest-lived of what gives it; the verdict lasts until the
 * first permission ends. That a block ends does not count: it only ever adds.
 *
 * @param adminUntil until when the closure is an admin of the object's tenant, whom nothing blocks
 * @param indeterminate whether the closure is incomplete
 * @param leads asked only if nothing can be read
 */
export const combine = (
  met: Tally,
  adminUntil: number,
  now: number,
  indeterminate: boolean,
  leads: () => boolean | "unknown",
): Verdict => {
  let share = adminUntil;
  let write = adminUntil;
  let read = adminUntil;
  if (!met.blocked) {
    share = Math.max(share, met.owner);
    write = Math.max(share, met.editor);
    read = Math.max(write, met.viewer);
  }
  const open = indeterminate || met.unsure;
  if (read <= now) {
    const below = !met.blocked && leads();
    return verdict(0, below === true, Infinity, open || below === "unknown");
  }
  if (share > now) return verdict(canRead | canWrite | canShare, true, share, false);
  if (write > now) return verdict(canRead | canWrite, true, write, open);
  return verdict(canRead, true, read, open);
};
