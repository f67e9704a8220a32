import {
  type Context,
  FileError,
  type MountChanges,
  type MountControl,
  type MountInput,
  outsideWorkspace,
  type Principal,
  type Settlement,
} from "@bulkhead/contract";
import type { MountChange, MountStore, StandingMount } from "../ports-mounts.ts";
import type { Grounds } from "../ports-relations.ts";
import type { Authority, TenantStore } from "../ports.ts";
import { decidingAgain } from "../relations/again.ts";
import type { Audited } from "./audited.ts";
import { checkAdmin, covers } from "./check-admin.ts";

export interface MountControlOptions {
  readonly authority: Pick<Authority, "readmit">;
  readonly tenants: Pick<TenantStore, "get">;
  readonly mounts: MountStore;
  readonly grounds: Pick<Grounds, "place" | "tenantAt">;
  readonly audited: Audited;
}

const noSuchMount = (): FileError => new FileError("not-found", "There is no such mount.");

/** What only the platform key says of a mount: everything about where it lies but the template's name. */
const reserved = [
  "folder",
  "bucket",
  "region",
  "priority",
  "shadow",
] as const satisfies readonly (keyof MountInput)[];

/** Shows, plans and changes mounts: the platform key all of them, a tenant's admin those within its bounds. */
export const mountControl = (options: MountControlOptions): MountControl => {
  const { mounts, grounds, audited } = options;

  const seenBy =
    (principal: Principal) =>
    (mount: StandingMount): boolean =>
      principal.kind === "platform" ||
      (mount.tenantUid === principal.tenant?.uid && covers(principal, mount.path));

  /** One answer for every mount that is not the caller's to see, existing or not. */
  const visible = async ({ principal }: Context, id: string): Promise<StandingMount> => {
    checkAdmin(principal);
    const mount = await mounts.find(id);
    if (mount === undefined || !seenBy(principal)(mount)) throw noSuchMount();
    return mount;
  };

  const changeable = async (ctx: Context, id: string): Promise<StandingMount> => {
    const mount = await visible(ctx, id);
    if (mount.record.origin === "config")
      throw new FileError(
        "forbidden",
        "This mount is the configuration's; change it there and start the server anew.",
      );
    return mount;
  };

  const asked = (ctx: Context, changes: MountChanges): MountChange => {
    const { principal } = ctx;
    checkAdmin(principal);
    const byTenant = principal.kind !== "platform";
    const { add = [], remove = [], credentials = {} } = changes;
    if (add.length + remove.length === 0)
      throw new FileError("invalid-request", "The change names no mount.");
    const placed = add.map((input) => ({ ...input, path: grounds.place(ctx, input.path) }));
    // Where one is, is decided before anything about it is looked up.
    for (const { path } of placed)
      if (
        byTenant &&
        !(covers(principal, path) && grounds.tenantAt(path) === principal.tenant?.uid)
      )
        throw outsideWorkspace();
    if (
      byTenant &&
      (Object.keys(credentials).length > 0 ||
        add.some((input) => reserved.some((name) => input[name] !== undefined)))
    )
      throw new FileError(
        "forbidden",
        "Where a mount lies and how it is opened is the platform's to say; name a backend.",
      );
    return {
      add: placed,
      remove,
      credentials: Object.fromEntries(
        Object.entries(credentials).map(([path, some]) => [grounds.place(ctx, path), some]),
      ),
      byTenant,
    };
  };

  const checkRemovals = async (ctx: Context, ids: readonly string[]): Promise<void> => {
    for (const id of ids) await changeable(ctx, id);
  };

  const changing = <R>(
    ctx: Context,
    action: string,
    resource: string,
    run: (ctx: Context, settlement: Settlement) => Promise<R>,
  ): Promise<R> =>
    audited(ctx, action, resource, (settlement) =>
      decidingAgain(options.authority, ctx, settlement, (now) => run(now, settlement)),
    );

  const about = (settlement: Settlement, detail: Record<string, unknown>): void => {
    if (settlement.audit !== undefined) settlement.audit.detail = detail;
  };

  return {
    list: (ctx, { tenant, ...query }) =>
      audited(ctx, "mount.list", "mount:*", async () => {
        const { principal } = ctx;
        checkAdmin(principal);
        const seen = seenBy(principal);
        if (tenant === undefined) return mounts.list(query, seen);
        const other = principal.kind !== "platform" && principal.tenant?.id !== tenant;
        if (other || (await options.tenants.get(tenant)) === undefined)
          throw new FileError("not-found", "There is no such tenant.");
        return mounts.list(query, (mount) => mount.record.tenant === tenant && seen(mount));
      }),
    get: (ctx, id) =>
      audited(ctx, "mount.get", `mount:${id}`, async () => mounts.state(await visible(ctx, id))),
    plan: (ctx, changes) =>
      audited(ctx, "mount.plan", "mount:*", async () => {
        const change = asked(ctx, changes);
        await checkRemovals(ctx, change.remove);
        return mounts.plan(change);
      }),
    apply: (ctx, { plan, hash }, credentials) =>
      changing(ctx, "mount.apply", "mount:*", async (now, settlement) => {
        const change = asked(now, { add: plan.add, remove: plan.remove, credentials });
        await checkRemovals(now, change.remove);
        about(settlement, {
          hash,
          add: change.add.map(({ path, backend }) => ({ path, backend })),
          remove: change.remove,
        });
        return mounts.apply(settlement, change, hash);
      }),
    remove: (ctx, id) =>
      changing(ctx, "mount.remove", `mount:${id}`, async (now, settlement) => {
        const mount = await changeable(now, id);
        about(settlement, { path: mount.path });
        await mounts.remove(settlement, mount);
      }),
    rotate: (ctx, id, credentials) =>
      changing(ctx, "mount.rotate", `mount:${id}`, async (now, settlement) => {
        const mount = await changeable(now, id);
        if (now.principal.kind !== "platform")
          throw new FileError("forbidden", "How a mount is opened is the platform's to say.");
        about(settlement, { path: mount.path });
        return mounts.rotate(settlement, mount, credentials);
      }),
  };
};
