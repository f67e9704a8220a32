import type { WriteResult } from "@bulkhead/contract";
import { combine } from "./combine.ts";
import { type Database, type Statement, toJson } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { loneWrite, matchOf, modeOf } from "./lone-write.ts";
import { pageCall, pageOf, type PageRow } from "./page-of-tree.ts";
import { contentOf, type ReadRow, readCall } from "./read-content.ts";
import { parseSnapshot, plainSnapshot, uidOfRevision } from "./snapshot.ts";
import { type Ride, commonGround, sized } from "./rides.ts";
import { platformUid } from "./types.ts";
import type { TreeAnswer, TreeCommits, TreeRef } from "./types-trees.ts";

const statements = {
  stat: functionCall("tree_stat_v1", 3),
  read: readCall,
  versions: functionCall("versions_v1", 5),
  openBlob: functionCall("blob_open_v2", 7),
  renewBlobs: functionCall("blob_renew_v1", 2),
  discardBlob: functionCall("blob_discard_v1", 2),
  forgetBlob: functionCall("blob_forget_v1", 2),
  write: functionCall("commit_write_v1", 3),
  // The times of what was written are asked for once it is there: in the same transaction, by a statement of its own.
  writeTogether: {
    name: "commit_write_v2_times_v1",
    text: `select a.answer, case when a.answer is not null then bulkhead.tree_times_v1($1, $2, $6) end
      from (${functionCall("commit_write_v2", 15).text} as answer offset 0) a`,
  },
  writeHeld: functionCall("commit_write_held_v1", 4),
  writeAlone: functionCall("commit_write_v3", 25),
  mkdir: functionCall("commit_mkdir_v1", 4),
  remove: functionCall("commit_remove_v1", 6),
  copy: functionCall("commit_copy_v1", 8),
  move: functionCall("commit_move_v1", 8),
  restore: functionCall("restore_v1", 5),
} as const;

const uidOf = (tenant: string | undefined): string => tenant ?? platformUid;
const namesOf = (path: string): readonly string[] => (path === "" ? [] : path.split("/"));

/** A version as the ledger counts it, or null for what is none. */
const numberOf = (version: string): string | null => (/^\d{1,18}$/.test(version) ? version : null);

const noVersion = { state: "refused", code: "not-found", reason: "version" } as const;

/**
 * Commits on trees as `bulkhead_app`: `hot` for what is one row or a page, `slow` for subtrees, whose statements may
 * take longer.
 */
export const createTreeCommits = (hot: Database, slow: Database): TreeCommits => {
  const run = async (
    tenant: string,
    rides: readonly Ride[],
  ): Promise<readonly TreeAnswer<WriteResult>[]> => {
    const contents: Uint8Array[] = [];
    let offset = 0;
    const items = rides.map(({ tree, write }) => {
      const { content, mode, ...rest } = write;
      const stored = content instanceof Uint8Array ? { offset } : content;
      if (content instanceof Uint8Array) {
        contents.push(content);
        offset += content.length;
      }
      return {
        ...rest,
        ...stored,
        tree: tree.id,
        mode: modeOf(mode),
        ifMatch: matchOf(mode),
      };
    });
    const values = [tenant, toJson(items), Buffer.concat(contents)];
    const held = rides.length === 1 ? rides[0]?.write.settlement.reserved.id : undefined;
    const answers = await (held === undefined
      ? hot.call<TreeAnswer<WriteResult>[]>(statements.write, values)
      : hot.call<TreeAnswer<WriteResult>[]>(statements.writeHeld, [...values, held]));
    return sized(rides, answers);
  };
  /** The function that serves almost every write, if these are such, or else the one that judges everything. */
  const together = combine<Ride, TreeAnswer<WriteResult>>(async (tenant, rides) => {
    const [first, second] = rides;
    const alone =
      first === undefined || second !== undefined
        ? undefined
        : loneWrite(tenant, first.tree, first.write);
    if (alone !== undefined) {
      const answer = await hot.call<TreeAnswer<WriteResult> | null>(statements.writeAlone, alone);
      return answer === null ? run(tenant, rides) : sized(rides, [answer]);
    }
    const ground = commonGround(tenant, rides);
    if (ground === undefined) return run(tenant, rides);
    const [answers, times] = await hot.row<
      [TreeAnswer<WriteResult>[] | null, readonly (readonly [number, number] | null)[] | null]
    >(statements.writeTogether, ground);
    if (answers === null) return run(tenant, rides);
    return sized(rides, answers).map((answer, i) => {
      const [createdAt, modifiedAt] = times?.[i] ?? [];
      if (answer.state !== "done" || createdAt === undefined || modifiedAt === undefined)
        return answer;
      return { ...answer, times: { createdAt, modifiedAt } };
    });
  });

  const transfer =
    <R>(
      kind: Statement,
    ): ((tree: TreeRef, transfer: Parameters<TreeCommits["move"]>[1]) => Promise<R>) =>
    (tree, { settlement, from, to, mode, ifMatch }) =>
      slow.call<R>(kind, [
        uidOf(tree.tenant),
        tree.id,
        toJson(settlement),
        namesOf(from),
        namesOf(to),
        modeOf(mode),
        matchOf(mode),
        ifMatch ?? null,
      ]);

  return {
    stat: (tree, path) => hot.call(statements.stat, [uidOf(tree.tenant), tree.id, namesOf(path)]),
    read: async (tree, path, version, revisions = []) => {
      const n = version === undefined ? null : numberOf(version);
      if (version !== undefined && n === null) return noVersion;
      const names = namesOf(path);
      const row = await hot.row<ReadRow>(statements.read, [
        uidOf(tree.tenant),
        tree.id,
        names,
        n,
        revisions.map(uidOfRevision),
      ]);
      const look = contentOf(names.at(-1) ?? "", row);
      if (look.state !== "done" || revisions.length === 0) return look;
      return { ...look, snapshot: plainSnapshot(parseSnapshot(row[1])) };
    },
    list: async (tree, path, after, limit) =>
      pageOf(
        await hot.row<PageRow>(pageCall, [
          uidOf(tree.tenant),
          tree.id,
          namesOf(path),
          after,
          limit,
        ]),
      ),
    versions: (tree, path, before, limit) =>
      hot.call(statements.versions, [
        uidOf(tree.tenant),
        tree.id,
        namesOf(path),
        before === undefined ? null : numberOf(before),
        limit,
      ]),
    openBlob: (tree, path, mode, size) =>
      hot.call(statements.openBlob, [
        uidOf(tree.tenant),
        tree.id,
        namesOf(path),
        modeOf(mode),
        matchOf(mode),
        size ?? null,
        tree.content ?? null,
      ]),
    renewBlobs: async (tree, ids) => {
      await hot.call<null>(statements.renewBlobs, [uidOf(tree.tenant), ids]);
    },
    discardBlob: (tree, id) => hot.call(statements.discardBlob, [uidOf(tree.tenant), id]),
    forgetBlob: async (tree, id) => {
      await hot.call<null>(statements.forgetBlob, [uidOf(tree.tenant), id]);
    },
    write: async (tree, write) => {
      const ride = { tree, write };
      if (write.content instanceof Uint8Array) return together(uidOf(tree.tenant), ride);
      const [answer] = await run(uidOf(tree.tenant), [ride]);
      return answer ?? { state: "again" };
    },
    mkdir: (tree, settlement, path) =>
      hot.call(statements.mkdir, [uidOf(tree.tenant), tree.id, toJson(settlement), namesOf(path)]),
    remove: (tree, settlement, path, { recursive, ifMatch }) =>
      (recursive ? slow : hot).call(statements.remove, [
        uidOf(tree.tenant),
        tree.id,
        toJson(settlement),
        namesOf(path),
        recursive,
        ifMatch ?? null,
      ]),
    copy: transfer(statements.copy),
    move: transfer(statements.move),
    restore: async (tree, settlement, path, version) => {
      const n = numberOf(version);
      if (n === null) return noVersion;
      return hot.call(statements.restore, [
        uidOf(tree.tenant),
        tree.id,
        toJson(settlement),
        namesOf(path),
        n,
      ]);
    },
  };
};
