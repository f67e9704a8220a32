import {
  type Context,
  countedResources,
  FileError,
  type Limits,
  type QuotaAnswer,
  type QuotaControl,
  type QuotaEntries,
  type QuotaInput,
  type TenantRecord,
  type CounterState,
} from "@bulkhead/contract";
import type { TenantStore } from "../ports.ts";
import type { QuotaStore, TenantPlanStore } from "../ports-quota.ts";
import { usageReport } from "../quota/usage-report.ts";
import type { Audited } from "./audited.ts";
import { checkPlatform, checkWholeTenant } from "./check-admin.ts";
import { existingTenant, visibleTenant } from "./visible-tenant.ts";

export interface QuotaControlOptions {
  readonly tenants: Pick<TenantStore, "get"> & Pick<TenantPlanStore, "setQuota">;
  readonly quota: QuotaStore;
  readonly audited: Audited;
  readonly jobs: {
    readonly enqueue: (job: {
      readonly kind: string;
      readonly payload: Readonly<Record<string, unknown>>;
      readonly idempotency?: string | undefined;
    }) => Promise<string>;
  };
  /** Requests of the running period, from whoever counts them; without, there are none to tell of. */
  readonly requestsOf?: ((uid: string) => Promise<number | undefined>) | undefined;
}

/** Throws `invalid-request` for what cannot name a resource. */
export const checkResource = (name: string): void => {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(name))
    throw new FileError(
      "invalid-request",
      "A resource has a name of up to 63 letters, digits, '_' and '-', and begins with a letter.",
    );
};

/** The kind of the job that recounts. */
export const auditKind = "quota.audit";

const counted: ReadonlySet<string> = new Set(countedResources);

const amountOf = (amount: number): number => {
  if (Number.isSafeInteger(amount) && amount > 0) return amount;
  throw new FileError("invalid-request", "An amount is a whole number above 0.");
};

const limitOf = (name: string, limit: number | null): number | null => {
  if (limit !== null && (!Number.isSafeInteger(limit) || limit < 0))
    throw new FileError(
      "invalid-request",
      `A limit of '${name}' is a whole number, or null for none.`,
    );
  return limit;
};

/** What an input says, limit by limit. */
const patchOf = (input: QuotaInput) => {
  const limits: Record<string, number | null> = {};
  const soft: Record<string, number | null> = {};
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(input)) {
    checkResource(name);
    const given = typeof value === "object" && value !== null ? value : { limit: value };
    const { limit } = given;
    if (limit === "plan") dropped.push(name);
    else if (limit !== undefined) limits[name] = limitOf(name, limit);
    const line = "soft" in given ? given.soft : undefined;
    if (line !== undefined) soft[name] = limitOf(name, line);
  }
  return { limits, soft, dropped };
};

const remaining = (current: number, limit: number | null): number | null =>
  limit === null ? null : Math.max(0, limit - current);

const unconfigured: QuotaAnswer = {
  allowed: false,
  reason: "Quota not configured",
  current: 0,
  limit: null,
  remaining: null,
};

const answerOf = (resource: string, state: CounterState): QuotaAnswer => {
  if (state.state === "unconfigured") return unconfigured;
  const { current, limit } = state;
  if (state.state === "negative")
    throw new FileError("conflict", `There are only ${current} of ${resource} to take from.`, {
      retry: "never",
      fields: { resource },
    });
  const left = { current, limit, remaining: remaining(current, limit) };
  return state.state === "done"
    ? { allowed: true, ...left }
    : { allowed: false, reason: `Quota exceeded for ${resource}`, ...left };
};

const ownOf = (limits: Limits, name: string): number | null | undefined =>
  Object.hasOwn(limits, name) ? limits[name] : undefined;

/** Shows tenants' limits to their admins, and lets the platform change them. */
export const quotaControl = (options: QuotaControlOptions): QuotaControl => {
  const { tenants, quota, audited, jobs, requestsOf } = options;
  const visible = visibleTenant(tenants);

  /** Who administers a part of a tenant is not told of the rest. */
  const seen = async (ctx: Context, id: string): Promise<TenantRecord> => {
    const tenant = await visible(ctx, id);
    checkWholeTenant(ctx.principal, tenant.roots);
    return tenant;
  };

  const entries = async (uid: string): Promise<QuotaEntries> => {
    const { limits, soft, used } = await quota.of(uid);
    const requests = await requestsOf?.(uid);
    const there: Readonly<Record<string, number>> = {
      ...used,
      ...(requests !== undefined && { requests }),
    };
    const names = new Set([...Object.keys(there), ...Object.keys(limits)]);
    return Object.fromEntries(
      [...names].toSorted().map((name) => {
        const line = ownOf(soft, name) ?? undefined;
        return [
          name,
          {
            limit: ownOf(limits, name) ?? null,
            ...(line !== undefined && { soft: line }),
            used: there[name] ?? 0,
          },
        ];
      }),
    );
  };

  const change =
    (action: "quota.increment" | "quota.decrement", sign: 1 | -1): QuotaControl["increment"] =>
    (ctx, id, resource, amount) =>
      audited(ctx, action, `tenant:${id}`, async (settlement) => {
        checkPlatform(ctx.principal);
        checkResource(resource);
        if (counted.has(resource))
          throw new FileError(
            "invalid-request",
            `The server counts ${resource} itself; it changes with what is made and removed.`,
          );
        const by = sign * amountOf(amount);
        const tenant = await existingTenant(tenants, id);
        settlement.tenant = tenant.uid;
        if (settlement.audit !== undefined) settlement.audit.detail = { resource, amount: by };
        return answerOf(resource, await quota.add(settlement, tenant.uid, resource, by));
      });

  return {
    get: (ctx, id) =>
      audited(ctx, "quota.get", `tenant:${id}`, async () => entries((await seen(ctx, id)).uid)),
    set: (ctx, id, input) =>
      audited(ctx, "quota.set", `tenant:${id}`, async (settlement) => {
        await seen(ctx, id);
        if (ctx.principal.kind !== "platform")
          throw new FileError("forbidden", "Limits are the platform's to change.");
        const patch = patchOf(input);
        const { uid } = await existingTenant(tenants, id);
        settlement.tenant = uid;
        if (settlement.audit !== undefined) settlement.audit.detail = { ...input };
        await tenants.setQuota(settlement, uid, patch);
        return entries(uid);
      }),
    check: (ctx, id, resource, amount) =>
      audited(ctx, "quota.check", `tenant:${id}`, async () => {
        checkResource(resource);
        const more = amountOf(amount);
        const tenant = await seen(ctx, id);
        const { limits, used, reserved } = await quota.of(tenant.uid);
        const limit = ownOf(limits, resource);
        if (limit === undefined) return unconfigured;
        const requests = resource === "requests" ? await requestsOf?.(tenant.uid) : undefined;
        const current = requests ?? used[resource] ?? 0;
        const onItsWay =
          resource === "bytes" ? reserved.bytes : resource === "files" ? reserved.files : 0;
        const fits = limit === null || current + onItsWay + more <= limit;
        return answerOf(resource, { state: fits ? "done" : "exceeded", current, limit });
      }),
    increment: change("quota.increment", 1),
    decrement: change("quota.decrement", -1),
    audit: (ctx, id) =>
      audited(ctx, "quota.audit", `tenant:${id}`, async ({ idempotency }) => {
        checkPlatform(ctx.principal);
        const { uid } = await existingTenant(tenants, id);
        // The platform's own: its result names files.
        const job = await jobs.enqueue({
          kind: auditKind,
          payload: { tenant: uid },
          ...(idempotency !== undefined && { idempotency }),
        });
        return { job };
      }),
    usage: (ctx, id) =>
      audited(ctx, "tenant.usage", `tenant:${id}`, async () => {
        const { uid } = await seen(ctx, id);
        return usageReport(await quota.of(uid), await requestsOf?.(uid));
      }),
  };
};
