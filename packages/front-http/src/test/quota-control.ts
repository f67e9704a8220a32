import { type Control, FileError, type QuotaAnswer } from "@bulkhead/contract";

const noMove = (): Promise<never> =>
  Promise.reject(new FileError("not-found", "No tenant moves here."));

/** Moves of nobody. */
export const moves: Control["moves"] = { begin: noMove, latest: noMove, abort: noMove };

/** Counters in memory, each limited to ten, and plans that nobody is put on. */
export const quotaControl = (): Pick<Control, "plans" | "quota"> => {
  const used = new Map<string, number>();
  const add = (resource: string, by: number): QuotaAnswer => {
    const current = (used.get(resource) ?? 0) + by;
    if (current < 0) throw new FileError("conflict", "There is less.", { retry: "never" });
    used.set(resource, current);
    return { allowed: true, current, limit: 10, remaining: 10 - current };
  };
  const entries = () =>
    Object.fromEntries([...used].map(([name, current]) => [name, { limit: 10, used: current }]));
  return {
    plans: { upgrade: () => Promise.reject(new FileError("invalid-request", "No such plan.")) },
    quota: {
      get: async () => entries(),
      set: async () => entries(),
      check: async (_ctx, _tenant, resource) => add(resource, 0),
      increment: async (_ctx, _tenant, resource, amount) => add(resource, amount),
      decrement: async (_ctx, _tenant, resource, amount) => add(resource, -amount),
      audit: async () => ({ job: "job" }),
      usage: async () => ({ plan: null, usage: {}, limits: {}, utilization: {}, warnings: [] }),
    },
  };
};
