import {
  type Context,
  FileError,
  isFileError,
  isRoot,
  type Layer,
  nameOf,
  type Settlement,
  type VirtualPath,
  type WholeTree,
} from "@bulkhead/contract";
import { type Call, guardWhole, overrideWhole } from "@bulkhead/kit";
import type { Decision } from "./decision.ts";
import { groundOf, tenantAt } from "./namespace.ts";
import { checkHere, type Elsewhere } from "./elsewhere.ts";
import type { Tenants } from "./ports.ts";

export interface TenantGateOptions {
  readonly tenants: Tenants;
  readonly namespaceRoots: readonly string[];
  /** Throws `invalid-request` for a name that is no tenant id. */
  readonly checkId: (id: string) => void;
  readonly elsewhere: Pick<Elsewhere, "addressOf">;
}

const forbid = (detail: string): never => {
  throw new FileError("forbidden", detail);
};

/** Says whether tenants' roots and what is above them let a call be: who may make, move and remove what there. */
export const groundAllows =
  ({
    tenants,
    namespaceRoots,
  }: Pick<TenantGateOptions, "namespaceRoots"> & {
    readonly tenants: Pick<Tenants, "rootAt">;
  }): Decision =>
  (principal, call) => {
    const [from, to] = call.paths;
    if (call.operation === "move" && principal.kind !== "platform" && from && to) {
      const tenantOf = tenantAt(tenants, namespaceRoots);
      if (tenantOf(from) !== tenantOf(to))
        forbid("From one tenant to another files are copied; moving them is the operator's.");
    }
    for (const { path, access } of call.touches) {
      const ground = groundOf(namespaceRoots, path);
      switch (ground.kind) {
        case "platform":
          // The namespace roots lie in it, whether there are tenants yet or not.
          if (access === "delete" && isRoot(path))
            forbid("The root of the tree cannot be moved or removed.");
          break;
        case "namespace":
          if (access === "delete") forbid("A namespace root cannot be moved or removed.");
          break;
        case "root": {
          const exists = tenants.rootAt(ground.root) !== undefined;
          if (call.operation === "mkdir") {
            if (exists) throw new FileError("already-exists", "This tenant's root exists.");
            if (principal.kind !== "platform") forbid("Only the platform key makes tenants.");
            break;
          }
          if (!exists) {
            if (access === "read" || access === "delete")
              throw new FileError("not-found", "There is no such tenant.");
            forbid("Only tenants live here; make a directory to create one.");
          }
          if (access === "delete" && (principal.kind !== "platform" || call.operation === "move"))
            forbid("A tenant's root cannot be moved or removed; remove what it holds.");
          break;
        }
        case "below":
          if (tenants.rootAt(ground.root) === undefined)
            throw new FileError("not-found", "There is no such tenant; make its root first.");
          break;
        default:
          ground satisfies never;
      }
    }
  };

/** What a refusal for want of room says to those whose tenant it is not: that there is none, and no number of it. */
const toStranger = ({ principal, settlement }: Context, error: unknown): unknown => {
  if (!isFileError(error, "quota-exceeded")) return error;
  if (principal.kind === "platform" || principal.tenant?.uid === settlement.tenant) return error;
  const { resource } = error.fields;
  return new FileError(
    error.code,
    "The owner of this place has no room left for it.",
    resource === undefined ? {} : { fields: { resource } },
  );
};

/**
 * Keeps the first level of every namespace root to tenants: `mkdir` there makes one, nothing else lands there, and
 * nothing is found below a root that does not exist. Fills in whose tree is touched.
 */
export const tenantGate = ({
  tenants,
  namespaceRoots,
  checkId,
  elsewhere,
}: TenantGateOptions): Layer<WholeTree> => {
  const allows = groundAllows({ tenants, namespaceRoots });
  const tenantOf = tenantAt(tenants, namespaceRoots);

  const name = (ctx: Context, call: Call<VirtualPath>): void => {
    const [from, to] = call.paths;
    const target = to ?? from;
    if (target !== undefined) ctx.settlement.tenant = tenantOf(target);
    ctx.settlement.follow = from && followOf(call, from, to);
    const { audit } = ctx.settlement;
    if (audit === undefined) return;
    audit.resource = call.paths[0] ?? audit.resource;
    if (call.paths.length > 1) audit.detail = { ...audit.detail, to: target };
  };

  /** Relations go with what is moved, inside one tenant, and away with what is removed. */
  const followOf = (
    { operation }: Call<VirtualPath>,
    from: VirtualPath,
    to: VirtualPath | undefined,
  ): Settlement["follow"] => {
    if (operation === "remove") return { from, to: undefined };
    if (operation !== "move" || to === undefined) return undefined;
    return { from, to: tenantOf(from) === tenantOf(to) ? to : undefined };
  };

  /** The platform's key asks for tenants of all regions, and is told which server to ask. */
  const checkHereAt = async (path: VirtualPath): Promise<void> => {
    const ground = groundOf(namespaceRoots, path);
    if (ground.kind !== "root" && ground.kind !== "below") return;
    if (tenants.rootAt(ground.root) === undefined)
      await checkHere(elsewhere, { tenant: nameOf(ground.root) });
  };

  const around = guardWhole<VirtualPath, Context>(async (ctx, call, next) => {
    name(ctx, call);
    try {
      allows(ctx.principal, call);
    } catch (error) {
      if (ctx.principal.kind === "platform" && isFileError(error, "not-found"))
        for (const path of call.paths) await checkHereAt(path);
      throw error;
    }
    if (!call.mutates) return next(ctx);
    try {
      return await next(ctx);
    } catch (error) {
      throw toStranger(ctx, error);
    }
  });

  return (inner) =>
    around(
      overrideWhole(inner, {
        mkdir: async (ctx, path) => {
          if (groundOf(namespaceRoots, path).kind !== "root") return inner.mkdir(ctx, path);
          checkId(nameOf(path));
          return tenants.createRoot(ctx.settlement, path);
        },
      }),
    );
};
