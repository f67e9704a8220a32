import {
  type Context,
  type Control,
  FileError,
  type Gate,
  type PlanSettings,
} from "@bulkhead/contract";
import type { TenantStore } from "../ports.ts";
import type { Audited } from "./audited.ts";

export interface GatedOptions {
  readonly tenants: Pick<TenantStore, "byUid">;
  readonly featureGates: PlanSettings["featureGates"];
  readonly audited: Audited;
}

type Gated = Pick<Control, "shares" | "groups" | "models" | "audit" | "history">;

/**
 * Refuses, with `plan-limit`, what the tenant's plan has no feature for. Files and everything that is not gated are as
 * they were; so is all for the platform key, and for a tenant without a plan.
 */
export const gated = <C extends Gated>(control: C, options: GatedOptions): C => {
  const { tenants, featureGates, audited } = options;
  if (Object.keys(featureGates).length === 0) return control;

  const check = async ({ principal }: Context, gate: Gate): Promise<void> => {
    const wanted = featureGates[gate];
    if (wanted === undefined || principal.kind === "platform" || principal.tenant === undefined)
      return;
    const tenant = await tenants.byUid(principal.tenant.uid);
    const { plan = null, features = [] } = tenant ?? {};
    if (plan === null || features.includes("all") || wanted.some((one) => features.includes(one)))
      return;
    throw new FileError("plan-limit", `The plan '${plan}' does not include this.`);
  };

  /** The call, if the gate is open; the refusal is on record like every other one. */
  const behind =
    <A extends readonly unknown[], R>(
      gate: Gate | ((...args: A) => Gate),
      action: string,
      next: (ctx: Context, ...args: A) => Promise<R>,
    ) =>
    async (ctx: Context, ...args: A): Promise<R> => {
      await audited(ctx, action, `tenant:${ctx.principal.tenant?.id ?? ""}`, () =>
        check(ctx, typeof gate === "string" ? gate : gate(...args)),
      );
      return next(ctx, ...args);
    };

  const { shares, groups, models, audit, history } = control;
  return {
    ...control,
    shares: {
      ...shares,
      create: behind(
        ({ link }) => (link === true ? "links" : "shares"),
        "share.create",
        shares.create,
      ),
    },
    groups: { ...groups, create: behind("groups", "group.create", groups.create) },
    models: { ...models, put: behind("models", "model.put", models.put) },
    audit: { ...audit, list: behind("audit", "audit.list", audit.list) },
    history: { ...history, changes: behind("changes", "changes", history.changes) },
  };
};
