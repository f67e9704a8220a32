import { parseVirtualPath, type VirtualPath } from "@bulkhead/contract";
import type { SubjectRef, Tuple } from "@bulkhead/rebac";

export const tenant = "5f0c2f4e-2f5b-4c0e-9d1f-6a4b8a0c7d11";

/** How many of each there are. */
export interface Sizes {
  readonly users: number;
  /** From the one users are in, outwards. */
  readonly groups: readonly [number, number, number];
  readonly files: number;
}

export const million: Sizes = { users: 20_000, groups: [2_000, 200, 20], files: 937_800 };
export const hundredThousand: Sizes = { users: 2_000, groups: [200, 20, 4], files: 93_780 };

/** A generator of numbers below `n`, the same each time (mulberry32). */
export const dice = (seed: number): ((n: number) => number) => {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * n);
  };
};

export const user = (i: number): SubjectRef => ({ tenant, type: "user", id: `user-${i}` });
const group = (layer: number, i: number): SubjectRef => ({
  tenant,
  type: "group",
  id: `group-${layer}-${i}`,
  relation: "member",
});

/** The `i`th file that a relation is on: five deep, a hundred to a directory. */
export const file = (i: number): VirtualPath => {
  // Joined, as the parser of a request's target does it: in one piece, not a rope of pieces.
  const names = ["", "workspace", "acme", `team-${Math.floor(i / 10_000)}`];
  names.push(`case-${Math.floor(i / 100) % 100}`, `file-${i}.txt`);
  return parseVirtualPath(names.join("/"));
};

const member = (subject: SubjectRef, { id }: SubjectRef): Tuple => ({
  subject,
  relation: "member",
  object: { tenant, type: "group", id },
  expiresAt: undefined,
});

const memberships = function* (sizes: Sizes, roll: (n: number) => number): Generator<Tuple> {
  const [inner, middle, outer] = sizes.groups;
  for (let i = 0; i < sizes.users; i++)
    for (let j = 0; j < 3; j++) yield member(user(i), group(0, roll(inner)));
  for (let i = 0; i < inner; i++) yield member(group(0, i), group(1, roll(middle)));
  for (let i = 0; i < middle; i++) yield member(group(1, i), group(2, roll(outer)));
};

const role = (at: number): "viewer" | "editor" | "owner" | "blocked" => {
  if (at < 60) return "viewer";
  if (at < 90) return "editor";
  return at < 98 ? "owner" : "blocked";
};

/**
 * Relations as a tenant might have them: a user in three groups that are in one each, three deep; each file named by one
 * relation, of a user (7 of 10) or of a group, one in twenty with an end.
 */
export const tuplesOf = function* (sizes: Sizes): Generator<readonly Tuple[]> {
  const roll = dice(1);
  let page: Tuple[] = [];
  const subject = (): SubjectRef => {
    if (roll(10) < 7) return user(roll(sizes.users));
    const layer = roll(3);
    return group(layer, roll(sizes.groups[layer] ?? 1));
  };
  const all = function* (): Generator<Tuple> {
    yield* memberships(sizes, roll);
    for (let i = 0; i < sizes.files; i++)
      yield {
        subject: subject(),
        relation: role(roll(100)),
        object: { tenant, type: "file", path: file(i) },
        expiresAt: roll(20) === 0 ? 4_000_000_000_000 + i : undefined,
      };
  };
  for (const tuple of all()) {
    page.push(tuple);
    if (page.length < 1_000) continue;
    yield page;
    page = [];
  }
  yield page;
};
