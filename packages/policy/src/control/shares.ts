import {
  child,
  type Context,
  FileError,
  nameOf,
  numberedName,
  type PageOf,
  parseVirtualPath,
  permissionBits,
  type Principal,
  type ShareControl,
  type ShareInput,
  type ShareRecord,
  type VirtualPath,
} from "@bulkhead/contract";
import { checkScope } from "../decision.ts";
import type { Grounds, SubjectRef, Tuples } from "../ports-relations.ts";
import type { NewShare, Shares, StoredShare } from "../ports-shares.ts";
import type { Authority, TenantStore } from "../ports.ts";
import { decidingAgain } from "../relations/again.ts";
import { beginGrant } from "../relations/granting.ts";
import { mayGrant, verdictFor } from "../relations/may-grant.ts";
import { madeBy, type Names } from "../relations/names.ts";
import { hashPassword, newToken } from "../relations/secrets.ts";
import type { Audited } from "./audited.ts";
import { covers } from "./check-admin.ts";

export interface ShareControlOptions {
  readonly authority: Pick<Authority, "readmit">;
  readonly shares: Shares;
  readonly tuples: Pick<Tuples, "revisions">;
  readonly tenants: Pick<TenantStore, "get" | "byUid">;
  readonly grounds: Grounds;
  readonly names: Names;
  /** The directory below a tenant's root in which it finds what another one gave it. */
  readonly sharedFrom: (root: VirtualPath, owner: string) => VirtualPath;
  /** What is at a path, whoever asks: a file, a directory or nothing. */
  readonly kindAt: (ctx: Context, path: VirtualPath) => Promise<"file" | "directory" | undefined>;
  readonly audited: Audited;
}

const bad = (detail: string): FileError => new FileError("invalid-request", detail);
const noSuchShare = (): FileError => new FileError("not-found", "There is no such share.");
const { can_read, can_share } = permissionBits;
const pageLimit = 1000;
/** How many real names in the way of a share's are passed over. */
const mostNames = 100;

const checkInput = (input: ShareInput, now: number): void => {
  const targets = [input.tenant, input.subject, input.link].filter((each) => each !== undefined);
  if (targets.length !== 1) throw bad("Name one of tenant, subject and link: who gets it.");
  const isLink = input.link !== undefined;
  if (!isLink && (input.password !== undefined || input.maxUses !== undefined))
    throw bad("password and maxUses are of links.");
  if (isLink && input.permission === "can_write") throw bad("A link only reads.");
  if (input.password !== undefined && (input.password === "" || input.password.length > 1024))
    throw bad("A password has 1 to 1,024 characters.");
  if (input.maxUses !== undefined && !(Number.isSafeInteger(input.maxUses) && input.maxUses > 0))
    throw bad("maxUses is a whole number above 0.");
  if (input.expiresAt !== undefined && input.expiresAt <= now)
    throw bad("expiresAt lies in the past.");
};

/** Gives, shows and takes back shares. */
export const shareControl = (options: ShareControlOptions): ShareControl => {
  const { authority, shares, tenants, grounds, names, sharedFrom, kindAt, audited } = options;

  const targetPath = async (share: StoredShare): Promise<string | null> => {
    if (share.target === undefined || share.subject === undefined) return null;
    const [owner, target] = [
      await tenants.byUid(share.sourceTenant),
      await tenants.byUid(share.subject.tenant),
    ];
    const root = target?.roots[0];
    if (owner === undefined || root === undefined) return null;
    return child(sharedFrom(parseVirtualPath(root), owner.id), share.target);
  };

  const record = async (share: StoredShare, reader: Principal): Promise<ShareRecord> => {
    const { subject } = share;
    const source = await tenants.byUid(share.sourceTenant);
    const crosses = subject !== undefined && subject.tenant !== share.sourceTenant;
    return {
      id: share.id,
      sourceTenant: source?.id ?? "",
      targetTenant: crosses ? ((await tenants.byUid(subject.tenant))?.id ?? "") : null,
      subject:
        subject === undefined || subject.type === "tenant" ? null : await names.write(subject),
      path: share.path,
      target: await targetPath(share),
      permission: share.permission,
      createdAt: share.createdAt,
      createdBy: madeBy(reader, {
        tenant: share.sourceTenant,
        id: source?.id ?? "",
        by: share.createdBy,
      }),
      expiresAt: share.expiresAt ?? null,
      maxUses: share.maxUses ?? null,
      uses: share.uses,
      status: share.status,
    };
  };

  const subjectOf = async (
    ctx: Context,
    input: ShareInput,
    owner: string,
  ): Promise<SubjectRef | undefined> => {
    if (input.link !== undefined) return undefined;
    if (input.tenant !== undefined) {
      const subject = await names.subject(
        ctx.principal,
        `tenant:${input.tenant}`,
        undefined,
        owner,
      );
      if (subject.tenant === owner)
        throw bad("A tenant has its own files; grant its members a relation instead.");
      return subject;
    }
    const subject = await names.subject(ctx.principal, input.subject ?? "", undefined, owner);
    if (subject.id === "*") throw bad("Everybody is given a relation, not a share.");
    return subject;
  };

  /** The first name that nothing real has where the target tenant will find the share. */
  const freeName = async (
    ctx: Context,
    owner: string,
    target: string,
    wanted: string,
  ): Promise<string> => {
    const root = (await tenants.byUid(target))?.roots[0];
    if (root === undefined) return wanted;
    const directory = sharedFrom(parseVirtualPath(root), owner);
    for (let i = 1; i <= mostNames; i++) {
      const name = numberedName(wanted, i);
      if ((await kindAt(ctx, child(directory, name))) === undefined) return name;
    }
    throw new FileError("already-exists", "Too many files of this name are in the way.");
  };

  const createOnce = async (
    ctx: Context,
    input: ShareInput,
    path: VirtualPath,
    tokenHash: Uint8Array | undefined,
  ): Promise<StoredShare> => {
    const owner = grounds.tenantAt(path);
    if (owner === undefined) throw bad("What is shared is a tenant's root or lies below one.");
    const permission = input.permission ?? "can_read";
    const object = { tenant: owner, type: "file", path } as const;
    const role = permission === "can_write" ? "editor" : "viewer";
    const { tenant, found } = await beginGrant(options, ctx, role, object);
    if (input.link !== undefined) {
      if (tenant?.settings["allowPublicSharing"] === false)
        throw new FileError("forbidden", "This tenant does not share by links.");
      const kind = await kindAt(ctx, path);
      if (kind === undefined) throw new FileError("not-found", "There is no such file.");
      if (kind === "directory") throw new FileError("is-directory", "A link leads to a file.");
    }
    const subject = await subjectOf(ctx, input, owner);
    const crosses = subject !== undefined && subject.tenant !== owner;
    const share: NewShare = {
      sourceTenant: owner,
      subject,
      path,
      target: crosses
        ? await freeName(ctx, tenant?.id ?? "", subject.tenant, nameOf(path))
        : undefined,
      permission,
      expiresAt: input.expiresAt,
      maxUses: input.maxUses,
      passwordHash: input.password === undefined ? undefined : await hashPassword(input.password),
      tokenHash,
    };
    return (await shares.create(ctx.settlement, share, found)).share;
  };

  /** True if the caller may know of a share: it could give it itself, or it was given it. */
  const sees = async ({ principal }: Context, share: StoredShare): Promise<boolean> => {
    if (principal.kind === "platform") return true;
    const own = principal.tenant?.uid;
    if (share.sourceTenant === own)
      return ((await verdictFor(principal, share.path)).mask & can_share) !== 0;
    if (share.subject?.tenant !== own) return false;
    if (principal.kind === "identity")
      return ((await verdictFor(principal, share.path)).mask & can_read) !== 0;
    const target = await targetPath(share);
    return target !== null && covers(principal, parseVirtualPath(target));
  };

  return {
    create: (ctx, input) =>
      audited(ctx, "share.create", input.path, async (settlement) => {
        checkScope(ctx.principal, "share");
        checkInput(input, ctx.now);
        const path = grounds.place(ctx, input.path);
        const link = input.link === undefined ? undefined : newToken();
        if (settlement.audit !== undefined)
          settlement.audit.detail = {
            permission: input.permission ?? "can_read",
            ...(input.tenant !== undefined && { tenant: input.tenant }),
            ...(input.subject !== undefined && { subject: input.subject }),
            ...(link !== undefined && { link: true }),
            ...(input.expiresAt !== undefined && { expiresAt: input.expiresAt }),
          };
        const share = await decidingAgain(authority, ctx, settlement, (now) =>
          createOnce(now, input, path, link?.hash),
        );
        return {
          ...(await record(share, ctx.principal)),
          ...(link !== undefined && { url: `/v1/links/${link.token}` }),
        };
      }),

    list: (ctx, { tenant: named, status, limit = pageLimit, after: first }) =>
      audited(
        ctx,
        "share.list",
        `tenant:${named ?? ""}`,
        async (): Promise<PageOf<ShareRecord>> => {
          checkScope(ctx.principal, "share");
          if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
            throw bad(`A page holds 1 to ${pageLimit} shares.`);
          const tenant =
            ctx.principal.tenant === undefined && named === undefined
              ? undefined
              : await names.tenant(ctx, named);
          const items: ShareRecord[] = [];
          let after = first;
          do {
            const page = await shares.list({
              tenant,
              status,
              limit: limit - items.length,
              ...(after !== undefined && { after }),
            });
            for (const share of page.items)
              if (await sees(ctx, share)) items.push(await record(share, ctx.principal));
            after = page.next;
          } while (after !== undefined && items.length < limit);
          return after === undefined ? { items } : { items, next: after };
        },
      ),

    revoke: (ctx, id) =>
      audited(ctx, "share.revoke", `share:${id}`, async (settlement) => {
        await decidingAgain(authority, ctx, settlement, async (now) => {
          checkScope(now.principal, "share");
          const share = await shares.get(id);
          if (share === undefined || !(await sees(now, share))) throw noSuchShare();
          const { sourceTenant, path } = share;
          if (now.principal.kind !== "platform" && now.principal.tenant?.uid !== sourceTenant)
            throw new FileError("forbidden", "A share is taken back by who gave it.");
          const object = { tenant: sourceTenant, type: "file", path } as const;
          await mayGrant(now, "viewer", object, undefined);
          now.settlement.tenant = sourceTenant;
          await shares.revoke(now.settlement, id);
        });
      }),
  };
};
