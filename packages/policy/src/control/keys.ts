import {
  type Context,
  type Control,
  FileError,
  isUnder,
  type KeyInput,
  type KeyPatch,
  type KeyRecord,
  outsideWorkspace,
  parseVirtualPath,
  type Principal,
  type Scope,
  type VirtualPath,
} from "@bulkhead/contract";
import { groundOf } from "../namespace.ts";
import type { KeyStore, MintKeyString, NewKey, Tenants, TenantStore } from "../ports.ts";
import { checkSubjectId } from "../relations/words.ts";
import type { Audited } from "./audited.ts";
import { checkAdmin, covers } from "./check-admin.ts";

export interface KeyControlOptions {
  readonly keys: KeyStore;
  readonly tenants: Pick<TenantStore, "get">;
  readonly roots: Pick<Tenants, "rootAt">;
  readonly namespaceRoots: readonly string[];
  readonly mintKeyString: MintKeyString;
  readonly audited: Audited;
}

const defaultScopes: readonly Scope[] = ["read", "write"];
const bad = (detail: string): FileError => new FileError("invalid-request", detail);
const beyond = (detail: string): FileError => new FileError("forbidden", detail);
const noSuchKey = (): FileError => new FileError("not-found", "There is no such key.");

/** Mints, shows, narrows and ends keys: only within the caller's own bounds, scopes, tenant and lifetime. */
export const keyControl = (options: KeyControlOptions): Control["keys"] => {
  const { keys, audited, namespaceRoots } = options;

  /** Parses a prefix: a tenant's root or below one. Throws `invalid-request` for what no key may be bound to. */
  const prefixOf = (raw: string): { readonly prefix: VirtualPath; readonly root: VirtualPath } => {
    const prefix = parseVirtualPath(raw);
    const ground = groundOf(namespaceRoots, prefix);
    if (ground.kind !== "root" && ground.kind !== "below")
      throw bad(
        "A workspacePrefix is a tenant's root, such as /workspace/acme, or lies below one.",
      );
    return { prefix, root: ground.root };
  };

  const checkWithin = (
    principal: Principal,
    input: { scopes?: readonly Scope[] | undefined; expiresAt?: number | undefined },
    now: number,
  ): void => {
    for (const scope of input.scopes ?? [])
      if (!principal.scopes.includes(scope))
        throw beyond(`A key gives no scope that it does not carry: '${scope}'.`);
    if (input.scopes?.length === 0)
      throw bad("Name at least one scope: read, write, share or admin.");
    if (input.expiresAt === undefined) return;
    if (input.expiresAt <= now) throw bad("expiresAt lies in the past.");
    if (principal.expiresAt !== undefined && input.expiresAt > principal.expiresAt)
      throw beyond("A key gives no longer life than its own.");
  };

  /** Whose key it will be: the tenant of the prefix, else the one that is named, else the caller's own. */
  const tenantFor = async (
    principal: Principal,
    input: KeyInput,
  ): Promise<{ uid: string; id: string; roots: readonly string[] }> => {
    const own = principal.tenant;
    if (own !== undefined && input.tenant !== undefined && input.tenant !== own.id)
      throw new FileError("tenant-mismatch", "The tenant named by the request is not the key's.");
    const bound = input.workspacePrefix === undefined ? undefined : prefixOf(input.workspacePrefix);
    if (bound !== undefined && !covers(principal, bound.prefix)) throw outsideWorkspace();
    const id = input.tenant ?? own?.id ?? (bound && options.roots.rootAt(bound.root)?.tenant.id);
    if (id === undefined)
      throw bound === undefined
        ? bad("Name the tenant, or a workspacePrefix that lies in it.")
        : new FileError("not-found", "There is no tenant with this root.");
    const tenant = await options.tenants.get(id);
    if (tenant === undefined) throw new FileError("not-found", "There is no such tenant.");
    if (bound !== undefined && !tenant.roots.includes(bound.root))
      throw bad("The workspacePrefix does not lie in that tenant.");
    return tenant;
  };

  const mint = async (ctx: Context, input: KeyInput): Promise<{ row: NewKey; key: string }> => {
    const { principal } = ctx;
    checkAdmin(principal);
    if (input.workspacePrefix === undefined && input.subject === undefined)
      throw bad(
        "Name a workspacePrefix (a key for a part of the tree), a subject (a key for somebody), or both.",
      );
    if (input.subject !== undefined) checkSubjectId(input.subject.id);
    checkWithin(principal, input, ctx.now);
    const tenant = await tenantFor(principal, input);
    if (
      input.workspacePrefix === undefined &&
      !tenant.roots.every((root) => covers(principal, parseVirtualPath(root)))
    )
      throw beyond(
        "A key that is bound to a part of the tenant mints only keys with a workspacePrefix inside it.",
      );
    const scopes =
      input.scopes === undefined
        ? defaultScopes.filter((scope) => principal.scopes.includes(scope))
        : [...new Set(input.scopes)];
    if (scopes.length === 0)
      throw beyond("This key carries none of the default scopes; name the scopes.");
    const { id, key, hash } = options.mintKeyString();
    const row: NewKey = {
      id,
      hash,
      tenantUid: tenant.uid,
      name: input.name,
      subject: input.subject ?? { type: "service", id },
      workspacePrefix:
        input.workspacePrefix === undefined ? undefined : parseVirtualPath(input.workspacePrefix),
      scopes,
      expiresAt: input.expiresAt ?? principal.expiresAt,
      createdBy: principal.keyId,
      parent: principal.kind === "platform" ? undefined : principal.keyId,
    };
    return { row, key };
  };

  /** The key if the caller administers it; `not-found` for every other id, existing or not. */
  const administered = async (ctx: Context, id: string): Promise<KeyRecord> => {
    checkAdmin(ctx.principal);
    const record = await keys.get(id);
    if (
      record === undefined ||
      !administers(ctx.principal, record, await coversTenant(ctx.principal))
    )
      throw noSuchKey();
    return record;
  };

  const coversTenant = async (principal: Principal): Promise<boolean> => {
    if (principal.tenant === undefined) return true;
    const tenant = await options.tenants.get(principal.tenant.id);
    return (
      tenant !== undefined &&
      tenant.roots.every((root) => covers(principal, parseVirtualPath(root)))
    );
  };

  const administers = (principal: Principal, record: KeyRecord, wholeTenant: boolean): boolean => {
    if (principal.kind === "platform") return true;
    if (record.tenant === null || record.tenant !== principal.tenant?.id) return false;
    return record.workspacePrefix === null
      ? wholeTenant
      : covers(principal, parseVirtualPath(record.workspacePrefix));
  };

  const checkNarrower = (
    ctx: Context,
    record: KeyRecord,
    patch: KeyPatch,
  ): VirtualPath | undefined => {
    checkWithin(ctx.principal, patch, ctx.now);
    for (const scope of patch.scopes ?? [])
      if (!record.scopes.includes(scope))
        throw bad(`A key only becomes narrower; it does not carry '${scope}'.`);
    if (
      patch.expiresAt !== undefined &&
      record.expiresAt !== null &&
      patch.expiresAt > record.expiresAt
    )
      throw bad("A key only becomes narrower; its end cannot move later.");
    if (patch.workspacePrefix === undefined) return undefined;
    const { prefix } = prefixOf(patch.workspacePrefix);
    if (
      record.workspacePrefix === null ||
      !isUnder(parseVirtualPath(record.workspacePrefix), prefix)
    )
      throw bad("A key only becomes narrower; the prefix does not lie inside its present one.");
    return prefix;
  };

  /**
   * A successor is a new key in the caller's hands: within its scopes and lifetime, and in a family that ends with the
   * caller, or revoking the caller would leave it.
   */
  const checkRotates = async ({ principal, now }: Context, record: KeyRecord): Promise<void> => {
    checkWithin(principal, { scopes: record.scopes }, now);
    if (principal.kind === "platform") return;
    let at: KeyRecord | undefined = record;
    while (at !== undefined && at.id !== principal.keyId)
      at = at.parent === null ? undefined : await keys.get(at.parent);
    if (at === undefined)
      throw beyond("A key rotates itself and what was minted with it; mint a new key instead.");
  };

  return {
    mint: (ctx, input) =>
      audited(
        ctx,
        "key.mint",
        input.workspacePrefix ?? `tenant:${input.tenant ?? ctx.principal.tenant?.id ?? ""}`,
        async (settlement) => {
          const { row, key } = await mint(ctx, input);
          settlement.tenant = row.tenantUid;
          if (settlement.audit !== undefined)
            settlement.audit.detail = { id: row.id, name: row.name, scopes: row.scopes };
          return { ...(await keys.insert(settlement, row)), key };
        },
      ),
    get: (ctx, id) => audited(ctx, "key.get", `key:${id}`, () => administered(ctx, id)),
    list: (ctx, query) =>
      audited(ctx, "key.list", `tenant:${query.tenant ?? ""}`, async () => {
        const { principal } = ctx;
        checkAdmin(principal);
        if (
          principal.kind !== "platform" &&
          query.tenant !== undefined &&
          query.tenant !== principal.tenant?.id
        )
          throw new FileError(
            "tenant-mismatch",
            "The tenant named by the request is not the key's.",
          );
        const uid = principal.tenant?.uid ?? (await uidOf(options.tenants, query.tenant));
        const page = await keys.list(uid, query);
        const wholeTenant = await coversTenant(principal);
        return {
          ...page,
          items: page.items.filter((record) => administers(principal, record, wholeTenant)),
        };
      }),
    narrow: (ctx, id, patch) =>
      audited(ctx, "key.narrow", `key:${id}`, async (settlement) => {
        const record = await administered(ctx, id);
        const workspacePrefix = checkNarrower(ctx, record, patch);
        return keys.narrow(settlement, id, {
          name: patch.name,
          scopes: patch.scopes,
          expiresAt: patch.expiresAt,
          workspacePrefix,
        });
      }),
    revoke: (ctx, id) =>
      audited(ctx, "key.revoke", `key:${id}`, async (settlement) => {
        await administered(ctx, id);
        await keys.revoke(settlement, id);
      }),
    rotate: (ctx, id, overlapMs) =>
      audited(ctx, "key.rotate", `key:${id}`, async (settlement) => {
        const record = await administered(ctx, id);
        await checkRotates(ctx, record);
        const minted = options.mintKeyString();
        const tenant =
          record.tenant === null ? undefined : await options.tenants.get(record.tenant);
        const successor: NewKey = {
          id: minted.id,
          hash: minted.hash,
          tenantUid: tenant?.uid,
          name: record.name,
          subject:
            record.subject.id === record.id ? { type: "service", id: minted.id } : record.subject,
          workspacePrefix:
            record.workspacePrefix === null ? undefined : parseVirtualPath(record.workspacePrefix),
          scopes: record.scopes,
          expiresAt: record.expiresAt ?? undefined,
          createdBy: ctx.principal.keyId,
          parent: record.parent ?? undefined,
        };
        return { ...(await keys.rotate(settlement, id, successor, overlapMs)), key: minted.key };
      }),
  };
};

const uidOf = async (
  tenants: Pick<TenantStore, "get">,
  id: string | undefined,
): Promise<string | undefined> => {
  if (id === undefined) return undefined;
  const tenant = await tenants.get(id);
  if (tenant === undefined) throw new FileError("not-found", "There is no such tenant.");
  return tenant.uid;
};
