import {
  type Control,
  FileError,
  type GroupRecord,
  type LinkVisit,
  type ModelRecord,
  type PageOf,
  type RelationRecord,
  type ShareRecord,
  type UserRecord,
} from "@bulkhead/contract";

type Members = "relations" | "models" | "users" | "groups" | "shares" | "links" | "explain";

/** What the front asked, in order: the name of the call and what it was given beside the context. */
export type Asked = [call: string, ...input: unknown[]][];

const then = 1_700_000_000_000;
const missing = (): FileError => new FileError("not-found", "There is none.");

const page = <T>(
  all: readonly T[],
  { after, limit = 1000 }: { after?: string | undefined; limit?: number | undefined },
): PageOf<T> => {
  const from = after === undefined ? 0 : Number(after);
  const items = all.slice(from, from + limit);
  return { items, ...(from + limit < all.length && { next: String(from + limit) }) };
};

export interface RelationWorld {
  readonly asked: Asked;
  readonly visits: LinkVisit[];
  /** How often the content behind a link was opened. */
  readonly used: () => number;
  readonly control: Pick<Control, Members>;
}

/** A front's view of relations without any: keeps what it is told, decides nothing. `content` lies behind the link `tok`. */
export const relationWorld = (
  content: Pick<Control["links"], "stat" | "read">,
  mark: (id: string | undefined) => void,
): RelationWorld => {
  const asked: Asked = [];
  const visits: LinkVisit[] = [];
  let uses = 0;
  const relations = new Map<string, RelationRecord>();
  const models = new Map<string, ModelRecord>();
  const users = new Map<string, UserRecord>();
  const groups = new Map<string, GroupRecord>();
  const shares = new Map<string, ShareRecord>();
  const one = <T>(from: ReadonlyMap<string, T>, id: string): T => {
    const found = from.get(id);
    if (found === undefined) throw missing();
    return found;
  };
  const visited = (visit: LinkVisit): void => {
    visits.push(visit);
    if (visit.token !== "tok") throw missing();
    if (visit.password !== "geheim ü") throw new FileError("forbidden", "It asks for a password.");
  };
  const control: Pick<Control, Members> = {
    explain: async (ctx, input) => {
      asked.push(["explain", input]);
      return {
        decision: "denied",
        code: "forbidden",
        subject: input.subject ?? `${ctx.principal.subject.type}:${ctx.principal.subject.id}@acme`,
        steps: [
          { step: "path", outcome: "allowed", detail: "It is one." },
          { step: "relations", outcome: "denied", detail: "No.", facts: { misses: ["viewer"] } },
        ],
      };
    },
    relations: {
      grant: async (ctx, input) => {
        asked.push(["grant", input]);
        const record: RelationRecord = {
          id: `rel${relations.size}`,
          tenant: input.tenant ?? "acme",
          subject: input.subject,
          subjectTenant: input.subjectTenant ?? null,
          relation: input.relation,
          object: input.object,
          model: input.model ?? null,
          createdAt: then,
          createdBy: "alice",
          expiresAt: input.expiresAt ?? null,
          ...(input.condition && { condition: input.condition }),
        };
        relations.set(record.id, record);
        mark(ctx.settlement.idempotency);
        return { ...record, revision: "r1" };
      },
      list: async (_ctx, query) => {
        asked.push(["list", query]);
        return page([...relations.values()], query);
      },
      revoke: async (_ctx, id) => {
        one(relations, id);
        relations.delete(id);
        return { revision: "r2" };
      },
      check: async (_ctx, input) => {
        asked.push(["check", input]);
        return input.permission === "deep"
          ? { allowed: false, reason: "indeterminate", revision: "r1" }
          : { allowed: input.permission === "can_read", revision: "r1" };
      },
      checkBatch: async (_ctx, inputs) =>
        inputs.map(({ permission }) => ({ allowed: permission === "can_read", revision: "r1" })),
      expand: async (_ctx, { object, relation }) => ({
        kind: "union",
        name: `${object}#${relation}`,
        nodes: [
          { kind: "leaf", name: "direct", subjects: ["user:alice"] },
          { kind: "computed", name: "parent", from: ["file:/workspace#viewer"] },
          { kind: "difference", name: "but not", nodes: [] },
        ],
      }),
      listObjects: async (_ctx, query) => {
        asked.push(["listObjects", query]);
        return page(["file:/a", "file:/b", "file:/c"], query);
      },
      listSubjects: async (_ctx, query) => {
        asked.push(["listSubjects", query]);
        return page(["user:alice", "user:bob"], query);
      },
    },
    models: {
      put: async (ctx, { name, source, tenant = "acme" }) => {
        const before = models.get(name);
        const model: ModelRecord = {
          name,
          tenant,
          source,
          createdAt: before?.createdAt ?? then,
          updatedAt: before === undefined ? then : then + 1,
        };
        models.set(name, model);
        mark(ctx.settlement.idempotency);
        return model;
      },
      get: async (_ctx, name, tenant) => {
        asked.push(["model", name, tenant]);
        return one(models, name);
      },
      list: async (_ctx, query) => page([...models.values()], query),
      remove: async (_ctx, name, tenant) => {
        asked.push(["remove model", name, tenant]);
        one(models, name);
        models.delete(name);
      },
    },
    users: {
      create: async (ctx, tenant, { id, type = "user", ...input }) => {
        if (users.has(id)) throw new FileError("already-exists", "There is one.");
        const user: UserRecord = {
          tenant,
          type,
          id,
          email: input.email ?? null,
          fullName: input.fullName ?? null,
          role: input.role ?? "member",
          status: "active",
          createdAt: then,
          updatedAt: then,
        };
        users.set(id, user);
        mark(ctx.settlement.idempotency);
        return user;
      },
      get: async (_ctx, tenant, id, type) => {
        asked.push(["user", tenant, id, type]);
        return one(users, id);
      },
      list: async (_ctx, tenant, query) => {
        asked.push(["users", tenant, query]);
        return page([...users.values()], query);
      },
      patch: async (_ctx, tenant, id, patch, type) => {
        asked.push(["patch", tenant, id, patch, type]);
        return { ...one(users, id), role: patch.role ?? "member", email: patch.email ?? null };
      },
      remove: async (_ctx, tenant, id, type) => {
        asked.push(["remove user", tenant, id, type]);
        one(users, id);
        users.delete(id);
      },
    },
    groups: {
      create: async (ctx, tenant, id) => {
        if (groups.has(id)) throw new FileError("already-exists", "There is one.");
        const group = { tenant, id, createdAt: then };
        groups.set(id, group);
        mark(ctx.settlement.idempotency);
        return group;
      },
      list: async (_ctx, _tenant, query) =>
        page([...groups.values()], { ...query, limit: query.limit ?? 1 }),
      remove: async (_ctx, _tenant, id) => {
        one(groups, id);
        groups.delete(id);
      },
    },
    shares: {
      create: async (ctx, input) => {
        asked.push(["share", input]);
        const share: ShareRecord = {
          id: `share${shares.size}`,
          sourceTenant: "acme",
          targetTenant: input.tenant ?? null,
          subject: input.subject ?? null,
          path: input.path,
          target: input.tenant === undefined ? null : "/workspace/beta/shared/from-acme/x",
          permission: input.permission ?? "can_read",
          createdAt: then,
          createdBy: "alice",
          expiresAt: input.expiresAt ?? null,
          maxUses: input.maxUses ?? null,
          uses: 0,
          status: "active",
        };
        shares.set(share.id, share);
        mark(ctx.settlement.idempotency);
        return input.link === true ? { ...share, url: "/v1/links/tok" } : share;
      },
      list: async (_ctx, query) => {
        asked.push(["shares", query]);
        return page([...shares.values()], query);
      },
      revoke: async (_ctx, id) => {
        one(shares, id);
        shares.delete(id);
      },
    },
    links: {
      stat: async (visit) => {
        visited(visit);
        return content.stat(visit);
      },
      read: async (visit, options) => {
        visited(visit);
        uses += 1;
        return content.read(visit, options);
      },
    },
  };
  return { asked, visits, used: () => uses, control };
};
