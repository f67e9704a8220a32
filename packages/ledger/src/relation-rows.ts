import { FileError, type Settlement } from "@bulkhead/contract";
import { overtaken, type Written } from "./change.ts";
import { type Queries, toJson } from "./database.ts";
import { codeOf } from "./errors.ts";
import {
  type ChangeJson,
  type RelationJson,
  tenantsOfTuple,
  type TupleJson,
  tupleKey,
} from "./stored-tuple.ts";
import type { Existence } from "./types-relations.ts";

/** Most tuples of one transaction. */
export const mostTuples = 1000;

/** What becomes of relations inside a change, and what graphs are told of it. */
export interface Moved {
  readonly relations: readonly RelationJson[];
  readonly changes: readonly ChangeJson[];
}

/** Who is named as the one who made a row. */
export const makerOf = (settlement: Settlement): string =>
  settlement.audit?.actor ?? "service:bulkhead";

/** The uids that stand for a change of these tuples, without the platform's own work. */
export const tenantsOf = (tuples: readonly TupleJson[]): string[] => [
  ...new Set(tuples.flatMap(tenantsOfTuple)),
];

/** Tells each tenant's changelog what its graph has to hear. */
export const heard =
  (
    changes: readonly ChangeJson[],
    more: Readonly<Record<string, unknown>> = {},
  ): Extract<Written<unknown>["payload"], (uid: string) => unknown> =>
  (uid) => ({
    ...more,
    changes: changes.filter((one) => !("tuple" in one) || tenantsOfTuple(one.tuple).includes(uid)),
  });

/** Throws unless what is granted on is there, in the transaction that grants. */
export const requireObject = async (
  tx: Queries,
  settlement: Settlement,
  tenant: string,
  existence: Existence | undefined,
): Promise<void> => {
  if (existence === undefined) return;
  const [row] = await tx.rows<{ fault: "missing" | "moved" | null }>(
    "select bulkhead.relation_object_v1($1, $2, $3, $4) as fault",
    [
      toJson(settlement),
      tenant,
      existence.mount,
      existence.path === "" ? [] : existence.path.split("/"),
    ],
  );
  if (row?.fault === "missing")
    throw new FileError("not-found", "There is nothing at the path that is granted on.");
  if (row?.fault === "moved") throw overtaken();
};

/**
 * Refuses with `unavailable` what would be granted on a path that is being moved or removed, or moved to: it would be left
 * behind. The change holds the relations lock.
 */
export const requireStill = async (
  tx: Queries,
  tenant: string,
  paths: readonly string[],
): Promise<void> => {
  const [row] = await tx.rows<{ covered: boolean }>(
    "select bulkhead.intents_cover_v1($1, $2) as covered",
    [tenant, paths],
  );
  if (row?.covered === true)
    throw new FileError(
      "unavailable",
      "This part of the tree is being moved or removed; try again shortly.",
      { fields: { retryAfter: 1 } },
    );
};

const absent = {
  tenant: "There is no such tenant.",
  group: "There is no such group; make it first.",
  subject: "There is no such subject.",
} as const;

/** A tuple alone, without what only its row knows. */
const bare = ({ subject, relation, object, expiresAt, belowOnly }: TupleJson): TupleJson => ({
  subject,
  relation,
  object,
  ...(expiresAt === undefined ? {} : { expiresAt }),
  ...(belowOnly === undefined ? {} : { belowOnly }),
});

const dropped = (tuple: TupleJson): ChangeJson => ({ kind: "drop", tuple: bare(tuple) });

/** Adds or renews relations; the relations come in the order of the tuples. The change holds and bumps their tenants. */
export const addRelations = async (
  tx: Queries,
  tuples: readonly TupleJson[],
  by: string,
  share?: string,
): Promise<Moved> => {
  if (tuples.length === 0) return { relations: [], changes: [] };
  if (tuples.length > mostTuples)
    throw new FileError("invalid-request", `At most ${mostTuples} relations at a time.`);
  const once = new Map(tuples.map((tuple) => [tupleKey(tuple), tuple]));
  const json = toJson([...once.values()]);
  const [parties] = await tx.rows<{ fault: keyof typeof absent | null }>(
    "select bulkhead.relation_parties_v1($1) as fault",
    [json],
  );
  const fault = parties?.fault ?? undefined;
  if (fault !== undefined) throw new FileError("not-found", absent[fault]);
  const [row] = await orMalformed(
    tx.rows<{ added: { before: TupleJson[]; kept: string[]; after: RelationJson[] } }>(
      "select bulkhead.relations_add_v1($1, $2, $3) as added",
      [json, share ?? null, by],
    ),
  );
  const { before = [], kept = [], after = [] } = row?.added ?? {};
  const found = new Map(after.map((relation) => [tupleKey(relation), relation]));
  return {
    relations: tuples.flatMap((tuple) => found.get(tupleKey(tuple)) ?? []),
    changes: [
      ...before.map(dropped),
      ...after
        .filter(({ id }) => !kept.includes(id))
        .map((tuple): ChangeJson => ({ kind: "add", tuple: bare(tuple) })),
    ],
  };
};

/** Takes relations away, of one object's tenant where it is named; unknown ids are passed over. */
export const dropRelations = async (
  tx: Queries,
  tenant: string | undefined,
  ids: readonly string[],
): Promise<Moved> => {
  if (ids.length === 0) return { relations: [], changes: [] };
  const [row] = await tx.rows<{ gone: RelationJson[] }>(
    "select bulkhead.relations_drop_v1($1, $2) as gone",
    [tenant ?? null, ids],
  );
  const relations = row?.gone ?? [];
  return { relations, changes: relations.map(dropped) };
};

const orMalformed = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw codeOf(error) === "23514"
      ? new FileError("invalid-request", "The model knows no such relation.", { cause: error })
      : error;
  }
};
