import {
  type Context,
  FileError,
  type Principal,
  type RelationRecord,
  type Revision,
  segmentsOf,
} from "@bulkhead/contract";
import type { Grounds, ObjectRef, StoredTuple, SubjectRef, Subjects } from "../ports-relations.ts";
import type { TenantStore } from "../ports.ts";
import {
  type ObjectWords,
  parseObject,
  parseSubject,
  type SubjectWords,
  subjectWords,
} from "./words.ts";

export interface NamesOptions {
  readonly tenants: Pick<TenantStore, "get" | "byUid">;
  readonly subjects: Subjects;
  readonly grounds: Pick<Grounds, "place" | "tenantAt" | "tenantNamed">;
}

/** What callers write and read, and what the ledger names. */
export interface Names {
  /** The uid of the tenant that is named, or of the caller's own. Throws `tenant-mismatch` for another one to a tenant's key. */
  readonly tenant: (ctx: Context, named: string | undefined) => Promise<string>;
  readonly object: (
    ctx: Context,
    text: string,
    tenant: string | undefined,
  ) => Promise<{ readonly object: ObjectRef; readonly belowOnly: boolean }>;
  /** `within` is the tenant of the object, which a platform key's subject is of where nobody says otherwise. */
  readonly subject: (
    principal: Principal,
    text: string,
    tenant: string | undefined,
    within: string,
  ) => Promise<SubjectRef>;
  /** As `reader` may see it: who made it is told in its own tenant only. */
  readonly record: (stored: StoredTuple, reader: Principal) => Promise<RelationRecord>;
  readonly write: (subject: SubjectRef) => Promise<string>;
}

/** How many tenants' ids are kept. */
const mostIds = 10_000;

const noSuchTenant = (): FileError => new FileError("not-found", "There is no such tenant.");

/** The revision as clients see it. */
export const revisionText = ({ epoch, n }: Revision): string => `${epoch}.${n}`;

/** Who made what another tenant gave is that tenant, to those it was given to. */
export const madeBy = (
  { kind, tenant }: Principal,
  made: { readonly tenant: string; readonly id: string; readonly by: string },
): string => (kind === "platform" || tenant?.uid === made.tenant ? made.by : `tenant:${made.id}`);

export const names = ({ tenants, subjects, grounds }: NamesOptions): Names => {
  const uidOf = async (id: string): Promise<string> => {
    const known = grounds.tenantNamed(id);
    if (known !== undefined) return known;
    const tenant = await tenants.get(id);
    if (tenant === undefined) throw noSuchTenant();
    return tenant.uid;
  };
  // A uid is never used again, and its id never becomes another.
  const ids = new Map<string, string>();
  const idOf = async (uid: string): Promise<string> => {
    const known = ids.get(uid);
    if (known !== undefined) return known;
    const id = (await tenants.byUid(uid))?.id;
    if (id === undefined) return "";
    if (ids.size >= mostIds) ids.clear();
    ids.set(uid, id);
    return id;
  };

  const tenant: Names["tenant"] = async ({ principal }, named) => {
    if (principal.tenant === undefined) {
      if (named === undefined)
        throw new FileError("invalid-request", "Name the tenant; a platform key has none.");
      return uidOf(named);
    }
    if (named !== undefined && named !== principal.tenant.id)
      throw new FileError("tenant-mismatch", "The tenant named by the request is not the key's.");
    return principal.tenant.uid;
  };

  const objectOf = async (
    ctx: Context,
    words: ObjectWords,
    named: string | undefined,
  ): Promise<ObjectRef> => {
    switch (words.type) {
      case "file": {
        const path = grounds.place(ctx, words.path);
        const uid = grounds.tenantAt(path);
        if (uid === undefined)
          throw segmentsOf(path).length < 2
            ? new FileError("invalid-request", "A relation is on a tenant's root or below one.")
            : new FileError("not-found", "There is no such tenant; make its root first.");
        return { tenant: uid, type: "file", path };
      }
      case "group":
        return { tenant: await tenant(ctx, named), type: "group", id: words.id };
      case "tenant":
        return { tenant: await tenant(ctx, words.id), type: "tenant" };
      default:
        return words satisfies never;
    }
  };

  /** A platform key's subject is the one that exists; where none or several do, the object's tenant's. */
  const existing = async ({ type, id }: SubjectWords, within: string): Promise<string> => {
    if (type === "tenant" || id === "*") return within;
    // First where the object is: of those elsewhere two are asked for, whichever they are.
    const here = await subjects.find(within, id);
    if (here.some((subject) => subject.type === type)) return within;
    const known = await subjects.tenantsOf({ type, id }, 2);
    const [only] = known;
    if (only === undefined) return within;
    if (known.length > 1)
      throw new FileError(
        "invalid-request",
        "Several tenants have such a subject; name its tenant as subjectTenant.",
      );
    return only;
  };

  return {
    tenant,
    object: async (ctx, text, named) => {
      const words = parseObject(text);
      return {
        object: await objectOf(ctx, words, named),
        belowOnly: words.type === "file" && words.belowOnly,
      };
    },
    subject: async (principal, text, named, within) => {
      const words = parseSubject(text);
      if (words.type === "tenant") {
        if (named !== undefined && named !== words.id)
          throw new FileError(
            "invalid-request",
            "The subject is another tenant than subjectTenant.",
          );
        const uid =
          words.id === principal.tenant?.id ? principal.tenant.uid : await uidOf(words.id);
        return { tenant: uid, type: "tenant", id: uid, relation: "member" };
      }
      const uid =
        named !== undefined
          ? named === principal.tenant?.id
            ? principal.tenant.uid
            : await uidOf(named)
          : (principal.tenant?.uid ?? (await existing(words, within)));
      return { tenant: uid, ...words };
    },
    write: async (subject) =>
      subjectWords(subject, subject.type === "tenant" ? await idOf(subject.tenant) : ""),
    record: async (stored, reader) => {
      const { subject, object } = stored;
      const own = await idOf(object.tenant);
      const crossing = subject.tenant !== object.tenant;
      const other = crossing ? await idOf(subject.tenant) : own;
      return {
        id: stored.id,
        tenant: own,
        subject: subjectWords(subject, other),
        subjectTenant: crossing ? other : null,
        relation: stored.relation,
        object:
          object.type === "file"
            ? `file:${object.path}${stored.belowOnly === true ? "/*" : ""}`
            : object.type === "group"
              ? `group:${object.id}`
              : `tenant:${own}`,
        model: null,
        createdAt: stored.createdAt,
        createdBy: madeBy(reader, { tenant: object.tenant, id: own, by: stored.createdBy }),
        expiresAt: stored.expiresAt ?? null,
      };
    },
  };
};
