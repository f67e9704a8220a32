import {
  type CheckInput,
  type CheckResult,
  type Context,
  type ExpandNode,
  FileError,
  type ListObjectsInput,
  type ListSubjectsInput,
  type PageOf,
  type RelationInput,
  type RelationQuery,
  type RelationRecord,
  type TenantRecord,
} from "@bulkhead/contract";
import { checkWholeTenant } from "../control/check-admin.ts";
import { checkScope } from "../decision.ts";
import type {
  ModelFact,
  ModelFilter,
  ModelJudge,
  ModelLanguage,
  ModelRow,
  Models,
  StoredModelRow,
} from "../ports-models.ts";
import type { Tuples } from "../ports-relations.ts";
import type { TenantStore } from "../ports.ts";
import { type Names, revisionText } from "./names.ts";
import { pageOfNames } from "./page-of-names.ts";

export interface OwnModelOptions {
  readonly models: Models;
  readonly language: ModelLanguage;
  readonly tuples: Pick<Tuples, "revisions">;
  readonly tenants: Pick<TenantStore, "byUid">;
  readonly names: Names;
}

/** Relations and questions of tenants' own models. Each asks the ledger itself: no file is decided on them. */
export interface OwnModels {
  readonly grant: (
    ctx: Context,
    input: RelationInput,
    model: string,
  ) => Promise<RelationRecord & { readonly revision: string }>;
  /** Undefined if no model has a relation of that id. */
  readonly revoke: (ctx: Context, id: string) => Promise<{ readonly revision: string } | undefined>;
  readonly list: (
    ctx: Context,
    query: RelationQuery,
    model: string,
  ) => Promise<PageOf<RelationRecord>>;
  readonly check: (ctx: Context, input: CheckInput, model: string) => Promise<() => CheckResult>;
  readonly expand: (
    ctx: Context,
    input: { readonly tenant?: string | undefined; relation: string; object: string },
    model: string,
  ) => Promise<ExpandNode>;
  readonly listObjects: (
    ctx: Context,
    input: ListObjectsInput,
    model: string,
  ) => Promise<PageOf<string>>;
  readonly listSubjects: (
    ctx: Context,
    input: ListSubjectsInput,
    model: string,
  ) => Promise<PageOf<string>>;
}

const bad = (detail: string): FileError => new FileError("invalid-request", detail);
const noSuchModel = (): FileError => new FileError("not-found", "There is no such model.");
const tooMuch = (): FileError =>
  new FileError("too-large", "The model's relations are more than one question may cost.");

/** Relations that one question reads at most. */
const mostFacts = 250_000;
const pageSize = 10_000;

interface Words {
  readonly type: string;
  readonly id: string;
  readonly relation?: string;
}

const wordsOf = (text: string): Words => {
  const match = /^([^:#@*\s]+):([^:#\s]+)(?:#([^:#@*\s]+))?$/u.exec(text);
  const [, type, id, relation] = match ?? [];
  if (type === undefined || id === undefined)
    throw bad("It is written as a type, ':' and an id, such as document:1.");
  return { type, id, ...(relation !== undefined && { relation }) };
};

const written = ({ type, id, relation }: ModelRow["subject"]): string =>
  `${type}:${id}${relation === undefined ? "" : `#${relation}`}`;

const factOf = ({ subject, relation, object, condition }: ModelRow): ModelFact => ({
  subject: written(subject),
  relation,
  object: `${object.type}:${object.id}`,
  ...(condition && { condition }),
});

export const ownModels = (options: OwnModelOptions): OwnModels => {
  const { models, language, tuples, tenants, names } = options;

  const judgeOf = async (tenant: string, name: string): Promise<ModelJudge> => {
    const record = await models.get(tenant, name);
    if (record === undefined) throw noSuchModel();
    return language.judge(record.source);
  };

  const factsOf = async (tenant: string, name: string): Promise<readonly ModelFact[]> => {
    const facts: ModelFact[] = [];
    let after: string | undefined;
    do {
      const page = await models.read(tenant, name, {}, { after, limit: pageSize });
      for (const row of page.items) facts.push(factOf(row));
      if (facts.length > mostFacts) throw tooMuch();
      after = page.next;
    } while (after !== undefined);
    return facts;
  };

  const opened = async (
    ctx: Context,
    named: string | undefined,
    model: string,
  ): Promise<ReturnType<ModelJudge["on"]>> => {
    const tenant = await names.tenant(ctx, named);
    const [judge, facts] = await Promise.all([judgeOf(tenant, model), factsOf(tenant, model)]);
    return judge.on(facts);
  };

  const revision = async (tenant: string): Promise<string> => {
    const [now] = await tuples.revisions([tenant]);
    return now === undefined ? "" : revisionText(now);
  };

  /** Throws unless the caller may change what a tenant's own checks answer: it acts for the whole tenant. */
  const checkMayGrant = async ({ principal }: Context, tenant: string): Promise<void> => {
    checkScope(principal, "share");
    if (principal.kind === "identity" && principal.standing?.admin !== true)
      throw new FileError("forbidden", "Relations of a model are an admin's to change.");
    const record: TenantRecord | undefined = await tenants.byUid(tenant);
    checkWholeTenant(principal, record?.roots ?? []);
  };

  const record = async (
    tenant: string,
    model: string,
    { id, createdAt, createdBy, expiresAt, condition, ...row }: StoredModelRow,
  ): Promise<RelationRecord> => ({
    id,
    tenant: (await tenants.byUid(tenant))?.id ?? "",
    subject: written(row.subject),
    subjectTenant: null,
    relation: row.relation,
    object: `${row.object.type}:${row.object.id}`,
    model,
    createdAt,
    createdBy,
    expiresAt: expiresAt ?? null,
    ...(condition && { condition }),
  });

  const listed = (
    {
      found,
      indeterminate,
    }: { readonly found: readonly string[]; readonly indeterminate: boolean },
    page: { readonly limit?: number | undefined; readonly after?: string | undefined },
  ): PageOf<string> => {
    // Half a list would be taken for a whole one.
    if (indeterminate) throw tooMuch();
    return pageOfNames(found, page);
  };

  return {
    grant: async (ctx, input, model) => {
      const tenant = await names.tenant(ctx, input.tenant);
      await checkMayGrant(ctx, tenant);
      if (
        input.subjectTenant !== undefined &&
        (await names.tenant(ctx, input.subjectTenant)) !== tenant
      )
        throw bad("A model of a tenant's own knows only its own subjects.");
      if (input.expiresAt !== undefined && input.expiresAt <= ctx.now)
        throw bad("expiresAt lies in the past.");
      const { relation: of, ...object } = wordsOf(input.object);
      if (of !== undefined) throw bad("An object is a type, ':' and an id.");
      const row: ModelRow = {
        subject: wordsOf(input.subject),
        relation: input.relation,
        object,
        condition: input.condition && {
          name: input.condition.name,
          context: input.condition.context ?? {},
        },
        expiresAt: input.expiresAt,
      };
      (await judgeOf(tenant, model)).checkFact(factOf(row));
      ctx.settlement.tenant = tenant;
      const [stored] = await models.write(ctx.settlement, tenant, model, [row]);
      if (stored === undefined) throw new FileError("internal", "The grant answered nothing.");
      return { ...(await record(tenant, model, stored)), revision: await revision(tenant) };
    },

    revoke: async (ctx, id) => {
      const found = await models.find(id);
      const { principal } = ctx;
      if (
        found === undefined ||
        (principal.kind !== "platform" && principal.tenant?.uid !== found.tenant)
      )
        return undefined;
      await checkMayGrant(ctx, found.tenant);
      ctx.settlement.tenant = found.tenant;
      await models.delete(ctx.settlement, found.tenant, [id]);
      return { revision: await revision(found.tenant) };
    },

    list: async (ctx, query, model) => {
      const tenant = await names.tenant(ctx, query.tenant);
      await checkMayGrant(ctx, tenant);
      if ((await models.get(tenant, model)) === undefined) throw noSuchModel();
      const filter: ModelFilter = {
        ...(query.subject !== undefined && { subject: wordsOf(query.subject) }),
        ...(query.object !== undefined && { object: wordsOf(query.object) }),
        ...(query.relation !== undefined && { relation: query.relation }),
      };
      const { limit = 1000, after } = query;
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
        throw bad("A page holds 1 to 1000 relations.");
      const page = await models.read(tenant, model, filter, { after, limit });
      const items = await Promise.all(page.items.map((row) => record(tenant, model, row)));
      return { ...page, items };
    },

    check: async (ctx, input, model) => {
      const tenant = await names.tenant(ctx, input.tenant);
      const [judged, now] = await Promise.all([opened(ctx, input.tenant, model), revision(tenant)]);
      return () => ({
        ...judged.check({
          subject: input.subject,
          relation: input.permission,
          object: input.object,
          contextual: input.contextual,
          context: input.context,
        }),
        revision: now,
      });
    },

    expand: async (ctx, { tenant, relation, object }, model) =>
      (await opened(ctx, tenant, model)).expand({ relation, object }),

    listObjects: async (ctx, input, model) => {
      if (input.type === undefined) throw bad("Name the type of the objects to list.");
      const judged = await opened(ctx, input.tenant, model);
      const { subject, permission: relation, type } = input;
      return listed(judged.listObjects({ subject, relation, type }), input);
    },

    listSubjects: async (ctx, input, model) => {
      const judged = await opened(ctx, input.tenant, model);
      const { permission: relation, object, type: filter = "user" } = input;
      return listed(judged.listSubjects({ relation, object, filter }), input);
    },
  };
};
