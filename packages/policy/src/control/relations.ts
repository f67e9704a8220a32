import {
  type Context,
  FileError,
  permissionBits,
  type RelationControl,
  type RelationInput,
  type Revised,
} from "@bulkhead/contract";
import { checkScope } from "../decision.ts";
import type { Grounds, RelationTuple, Relations, Tuples } from "../ports-relations.ts";
import type { Authority, TenantStore } from "../ports.ts";
import { decidingAgain } from "../relations/again.ts";
import { beginGrant } from "../relations/granting.ts";
import { checkShape, mayGrant, verdictFor } from "../relations/may-grant.ts";
import { type Names, revisionText } from "../relations/names.ts";
import type { OwnModels } from "../relations/own-models.ts";
import { relationQuestions } from "../relations/questions.ts";
import { visibleRelations } from "../relations/visible.ts";
import { relationOf } from "../relations/words.ts";
import type { Audited } from "./audited.ts";

export interface RelationControlOptions {
  readonly authority: Pick<Authority, "readmit">;
  readonly tuples: Tuples;
  readonly tenants: Pick<TenantStore, "get" | "byUid">;
  readonly relations: Relations;
  readonly grounds: Grounds;
  readonly names: Names;
  readonly ownModels: OwnModels;
  readonly audited: Audited;
}

const noSuchRelation = (): FileError => new FileError("not-found", "There is no such relation.");

/** Grants, shows, takes back and asks about relations of the built-in model. */
export const relationControl = (options: RelationControlOptions): RelationControl => {
  const { authority, tuples, tenants, names, ownModels, audited } = options;

  const newTuple = async (ctx: Context, input: RelationInput): Promise<RelationTuple> => {
    const { object, belowOnly } = await names.object(ctx, input.object, input.tenant);
    const relation = relationOf(object.type, input.relation);
    const { principal } = ctx;
    const subject = await names.subject(
      principal,
      input.subject,
      input.subjectTenant,
      object.tenant,
    );
    checkShape(subject, relation, object);
    if (input.expiresAt !== undefined && input.expiresAt <= ctx.now)
      throw new FileError("invalid-request", "expiresAt lies in the past.");
    return { subject, relation, object, expiresAt: input.expiresAt, belowOnly };
  };

  const grantOnce = async (ctx: Context, tuple: RelationTuple) => {
    const { relation, object, subject } = tuple;
    const { tenant, found } = await beginGrant(options, ctx, relation, object);
    if (subject.id === "*" && tenant?.settings["allowPublicSharing"] === false)
      throw new FileError("forbidden", "This tenant does not share with everybody.");
    return tuples.grant(ctx.settlement, [tuple], found);
  };

  return {
    ...relationQuestions(options),
    grant: (ctx, input) =>
      audited(ctx, "relation.grant", input.object, async (settlement) => {
        const { model } = input;
        if (model !== undefined)
          return decidingAgain(authority, ctx, settlement, (now) =>
            ownModels.grant(now, input, model),
          );
        if (input.condition !== undefined)
          throw new FileError(
            "invalid-request",
            "Only a model of the tenant's own knows conditions.",
          );
        const tuple = await newTuple(ctx, input);
        if (settlement.audit !== undefined)
          settlement.audit.detail = {
            subject: input.subject,
            relation: tuple.relation,
            ...(input.subjectTenant !== undefined && { subjectTenant: input.subjectTenant }),
            ...(input.expiresAt !== undefined && { expiresAt: input.expiresAt }),
          };
        const { relations, revision } = await decidingAgain(authority, ctx, settlement, (now) =>
          grantOnce(now, tuple),
        );
        const [stored] = relations;
        if (stored === undefined) throw new FileError("internal", "The grant answered nothing.");
        return { ...(await names.record(stored, ctx.principal)), revision: revisionText(revision) };
      }),

    list: (ctx, query) =>
      audited(ctx, "relation.list", query.object ?? "*", async () => {
        checkScope(ctx.principal, "share");
        if (query.model !== undefined) return ownModels.list(ctx, query, query.model);
        return visibleRelations(options, ctx, query);
      }),

    revoke: (ctx, id) =>
      audited(ctx, "relation.revoke", `relation:${id}`, async (settlement) => {
        return decidingAgain(authority, ctx, settlement, async (now): Promise<Revised> => {
          checkScope(now.principal, "share");
          const stored = await tuples.get(id);
          if (stored === undefined) {
            const revoked = await ownModels.revoke(now, id);
            if (revoked === undefined) throw noSuchRelation();
            return revoked;
          }
          const { object } = stored;
          if (object.type === "file") {
            const { mask } = await verdictFor(now.principal, object.path);
            if ((mask & permissionBits.can_read) === 0) throw noSuchRelation();
          } else if (
            now.principal.kind !== "platform" &&
            now.principal.tenant?.uid !== object.tenant
          )
            throw noSuchRelation();
          await mayGrant(now, stored.relation, object, await tenants.byUid(object.tenant));
          if (stored.share !== undefined)
            throw new FileError("conflict", "This relation belongs to a share; revoke the share.", {
              retry: "never",
            });
          now.settlement.tenant = object.tenant;
          if (now.settlement.audit !== undefined) {
            const { subject, relation, object: on } = await names.record(stored, now.principal);
            now.settlement.audit.detail = { subject, relation, object: on };
          }
          const { revision } = await tuples.revoke(now.settlement, object.tenant, [id]);
          return { revision: revisionText(revision) };
        });
      }),
  };
};
