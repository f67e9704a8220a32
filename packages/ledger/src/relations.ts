import { FileError } from "@bulkhead/contract";
import type { SharedAuthority } from "./authority.ts";
import type { Changes } from "./change.ts";
import type { Database } from "./database.ts";
import { isUuid } from "./is-uuid.ts";
import { pageLimitOf, readPosition, writePosition } from "./position.ts";
import { createRelationFeed } from "./relation-feed.ts";
import {
  addRelations,
  dropRelations,
  heard,
  makerOf,
  mostTuples,
  requireObject,
  requireStill,
  tenantsOf,
} from "./relation-rows.ts";
import {
  plainSubject,
  plainTuple,
  type RelationJson,
  relationOf,
  type TupleJson,
} from "./stored-tuple.ts";
import type { RelationStore } from "./types-relations.ts";
import { platformUid } from "./types.ts";

const alive = "(r.expires_at is null or r.expires_at > bulkhead.now())";

const unknownTenant = (): FileError => new FileError("not-found", "There is no such tenant.");

/**
 * Some relations take away: a block, what makes somebody a member of a group that may be blocked, and one with an end,
 * which may be earlier than the one it had.
 */
const takes = ({ relation, object, expiresAt }: TupleJson): boolean =>
  relation === "blocked" || object.type === "group" || expiresAt !== undefined;

/** Keeps the relations of the built-in model. What takes one away holds the fences of both tenants it concerns. */
export const createRelations = (
  database: Database,
  change: Changes,
  authority: SharedAuthority,
): RelationStore => ({
  ...createRelationFeed(database),
  revisions: authority.revisions,

  grant: async (settlement, given, existence) => {
    const tuples = given.map(plainTuple);
    const [first] = tuples;
    if (first === undefined || tuples.length > mostTuples)
      throw new FileError("invalid-request", `One to ${mostTuples} relations at a time.`);
    const { tenant } = first.object;
    if (tuples.some(({ object }) => object.tenant !== tenant))
      throw new FileError("invalid-request", "What is granted at once is of one tenant.");
    return await change({
      kind: "relation.grant",
      settlement,
      chain: tenant,
      takesFrom: tenantsOf(tuples.filter(takes)),
      bumps: tenantsOf(tuples),
      holds: [tenant],
      judged: true,
      work: async (tx, at) => {
        await requireStill(
          tx,
          tenant,
          given.flatMap(({ object }) => (object.type === "file" ? [object.path] : [])),
        );
        await requireObject(tx, settlement, tenant, existence);
        const { relations, changes } = await addRelations(tx, tuples, makerOf(settlement));
        const bumped = at.get(tenant);
        if (bumped === undefined) throw unknownTenant();
        return {
          value: { relations: relations.map(relationOf), revision: { tenant, ...bumped } },
          payload: heard(changes),
          outcome: { relations: relations.map(({ id }) => id) },
        };
      },
    });
  },

  revoke: async (settlement, tenant, ids) => {
    const known = ids.filter(isUuid);
    if (known.length > mostTuples)
      throw new FileError("invalid-request", `At most ${mostTuples} relations at a time.`);
    const sides = await database.rows<{ tenant: string }>(
      "select distinct subject_tenant as tenant from bulkhead.relation where tenant = $1 and id = any ($2::uuid[])",
      [tenant, known],
    );
    const concerned = [...new Set([tenant, ...sides.map((side) => side.tenant)])];
    return await change({
      kind: "relation.revoke",
      settlement,
      chain: tenant,
      takesFrom: concerned,
      bumps: concerned,
      judged: true,
      work: async (tx, at) => {
        const { relations, changes } = await dropRelations(tx, tenant, known);
        const bumped = at.get(tenant);
        if (bumped === undefined) throw unknownTenant();
        return {
          value: { revoked: relations.map(relationOf), revision: { tenant, ...bumped } },
          payload: heard(changes),
          outcome: { revoked: relations.length },
        };
      },
    });
  },

  get: async (id) => {
    if (!isUuid(id)) return undefined;
    const [row] = await database.rows<{ record: RelationJson }>(
      `select bulkhead.relation_json_v1(r) as record from bulkhead.relation r where id = $1 and ${alive}`,
      [id],
    );
    return row && relationOf(row.record);
  },

  list: async (query) => {
    const limit = pageLimitOf(query);
    const [after] = readPosition(query.after, 1) ?? [platformUid];
    const values: unknown[] = [];
    const wanted: string[] = [alive];
    const want = (column: string, value: unknown, comparison = "="): void => {
      if (value === undefined) return;
      values.push(value);
      wanted.push(`r.${column} ${comparison} $${values.length}`);
    };
    want("id", after, ">");
    want("tenant", query.tenant);
    want("subject_tenant", query.subjectTenant);
    want("role", query.relation);
    if (query.path !== undefined) {
      want("object_type", "file");
      want("object", query.path);
    }
    if (query.object !== undefined) {
      want("object_type", query.object.type);
      if (query.object.type !== "tenant") want("object", query.object.id);
    }
    if (query.subject !== undefined) {
      const { type, id, relation } = plainSubject({ tenant: "", ...query.subject });
      want("subject_type", type);
      if (type !== "tenant") want("subject_id", id);
      want("subject_relation", relation ?? "");
    }
    if (query.crossing === true) wanted.push("r.tenant <> r.subject_tenant");
    if (query.crossing === false) wanted.push("r.tenant = r.subject_tenant");
    const rows = await database.rows<{ record: RelationJson }>(
      `select bulkhead.relation_json_v1(r) as record from bulkhead.relation r
       where ${wanted.join(" and ")} order by r.id limit ${limit + 1}`,
      values,
    );
    const items = rows.slice(0, limit).map((row) => relationOf(row.record));
    const last = rows.length > limit ? items.at(-1) : undefined;
    return last === undefined ? { items } : { items, next: writePosition([last.id]) };
  },
});
