import type { VirtualPath } from "@bulkhead/contract";
import type { Held } from "./asking.ts";
import { nodesTo } from "./blocks.ts";
import { get, none } from "./records.ts";
import { below, bitsOf, blocked, endOf, nextAtPlace, subjectOf } from "./relations.ts";
import { admins, firstOfMembers, refOf } from "./subjects.ts";
import { findNode, firstRelation } from "./trie.ts";
import type { SubjectRef, Verdict } from "./types.ts";
import { rolesFor } from "./verdict.ts";

/** Subjects that a relation on the path or above, or on the tenant, gives a permission that nothing takes from them. */
export const subjectsOf = (
  on: Held,
  path: VirtualPath,
  permission: number,
  now: number,
  judge: (subject: SubjectRef) => Verdict,
): readonly SubjectRef[] => {
  const { files, members, subjects, trie } = on;
  const roles = rolesFor(permission);
  const itself = findNode(trie, path);
  const numbers = new Set<number>();
  let isBlocked = false;
  for (const node of nodesTo(trie, path)) {
    let row = get(trie.nodes, node, firstRelation);
    for (; row !== none; row = get(files.rows, row, nextAtPlace)) {
      const bits = bitsOf(files, row);
      if (endOf(files, row) <= now || (node === itself && (bits & below) !== 0)) continue;
      if ((bits & blocked) !== 0) isBlocked = true;
      else if ((bits & roles) !== 0) numbers.add(get(files.rows, row, subjectOf));
    }
  }
  const found: SubjectRef[] = [];
  for (const number of numbers) {
    const subject = refOf(subjects.tenant, subjects.keys[number]!);
    if (subject === undefined) continue;
    // The model lets nobody block another tenant's subjects, and their groups are not known here.
    if (
      !isBlocked ||
      subject.tenant !== subjects.tenant ||
      (judge(subject).mask & permission) !== 0
    )
      found.push(subject);
  }
  const adminNumber = subjects.numbers.get(admins);
  if (adminNumber === undefined) return found;
  const { rows } = members.relations;
  let row = get(subjects.rows, adminNumber, firstOfMembers);
  for (; row !== none; row = get(rows, row, nextAtPlace)) {
    const number = get(rows, row, subjectOf);
    if (endOf(members.relations, row) <= now || numbers.has(number)) continue;
    numbers.add(number);
    const subject = refOf(subjects.tenant, subjects.keys[number]!);
    if (subject !== undefined) found.push(subject);
  }
  return found;
};
