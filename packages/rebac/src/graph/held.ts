import type { Held } from "./asking.ts";
import { memberships } from "./memberships.ts";
import { bytesOf } from "./records.ts";
import { relations } from "./relations.ts";
import { bytesOfSubjects, firstOfBlocks, firstOfFiles, subjects } from "./subjects.ts";
import { bytesOfTrie, firstRelation, trie } from "./trie.ts";

/** The relations of a tenant that has none yet. */
export const held = (tenant: string): Held => {
  const known = subjects(tenant);
  const paths = trie();
  return {
    subjects: known,
    members: memberships(known),
    trie: paths,
    files: relations(paths.nodes, firstRelation, known.rows, firstOfFiles, firstOfBlocks, true),
    foreign: new Map(),
    foreignCount: 0,
    version: 0,
  };
};

export const heldSize = (on: Held): number =>
  on.files.rows.live + on.members.relations.rows.live + on.foreignCount;

/** About: what lies outside typed arrays is counted by what V8 takes for it on 64 bits. */
export const heldBytes = (on: Held): number => {
  let crowded = 0;
  for (const subjectsHere of on.files.crowded?.values() ?? []) crowded += subjectsHere.size;
  return (
    bytesOfSubjects(on.subjects) +
    bytesOf(on.members.relations.rows) +
    on.members.nested.size * 40 +
    bytesOfTrie(on.trie) +
    bytesOf(on.files.rows) +
    crowded * 120 +
    on.foreignCount * 480
  );
};
