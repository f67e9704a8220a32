import type { Revision, WriteResult } from "@bulkhead/contract";
import { toJson } from "./database.ts";
import { matchOf, modeOf } from "./lone-write.ts";
import { platformName, platformUid } from "./types.ts";
import type { TreeAnswer, TreeRef, TreeWrite } from "./types-trees.ts";

/** A write that may ride with others. */
export interface Ride {
  readonly tree: TreeRef;
  readonly write: TreeWrite;
}

/** The answers with the sizes that were asked for. */
export const sized = (
  rides: readonly Ride[],
  answers: readonly TreeAnswer<WriteResult>[],
): readonly TreeAnswer<WriteResult>[] =>
  answers.map((answer, i) =>
    answer.state === "done" ? { ...answer, size: rides[i]?.write.size ?? 0 } : answer,
  );

/**
 * The parameters of `commit_write_v2`, if all writes are into one tree, stand on the same revisions and have their content
 * in the row; undefined otherwise. A fence without a revision has neither number nor epoch.
 */
export const commonGround = (
  tenant: string,
  rides: readonly Ride[],
): readonly unknown[] | undefined => {
  const revisions = new Map<string, Revision | undefined>([[tenant, undefined]]);
  const tree = rides[0]?.tree.id;
  const contents: Uint8Array[] = [];
  for (const { tree: one, write } of rides) {
    // Of the root, which is no file, the other one tells.
    if (one.id !== tree || write.path === "" || !(write.content instanceof Uint8Array))
      return undefined;
    contents.push(write.content);
    for (const revision of write.settlement.revisions) {
      const uid = revision.tenant === platformName ? platformUid : revision.tenant;
      const known = revisions.get(uid);
      if (known !== undefined && (known.n !== revision.n || known.epoch !== revision.epoch))
        return undefined;
      revisions.set(uid, revision);
    }
  }
  const fences = [...revisions.keys()].toSorted();
  const each = <T>(of: (write: TreeWrite) => T): T[] => rides.map(({ write }) => of(write));
  return [
    tenant,
    tree,
    fences,
    fences.map((uid) => revisions.get(uid)?.n ?? null),
    fences.map((uid) => revisions.get(uid)?.epoch ?? null),
    each((write) => write.path),
    each((write) => modeOf(write.mode)),
    each((write) => matchOf(write.mode)),
    each((write) => write.size),
    each((write) => write.digest),
    each((write) => write.contentType ?? null),
    each((write) => (write.metadata === undefined ? null : toJson(write.metadata))),
    each((write) => (write.settlement.audit === undefined ? null : toJson(write.settlement.audit))),
    each((write) => write.settlement.idempotency ?? null),
    contents.length === 1 ? contents[0] : Buffer.concat(contents),
  ];
};
