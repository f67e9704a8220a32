import type { TenantsHealth } from "@bulkhead/contract";
import type { HttpLogEntry, MetricsText } from "@bulkhead/front-http";
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** What `/metrics` tells. Its labels are routes, methods, statuses and plans: never a tenant, a key or a path. */
export interface Metrics {
  /** Counts a request that was answered. */
  readonly observe: (entry: HttpLogEntry) => void;
  readonly text: () => Promise<MetricsText>;
}

/** How long the counts over all tenants are good for, in ms: whoever scrapes more often gets the same. */
const keptMs = 10_000;

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Keeps the metrics of one server. Nothing is asked of the ledger until somebody scrapes. */
export const startMetrics = (
  health: () => Promise<TenantsHealth>,
  { version, now = Date.now }: { readonly version: string; readonly now?: () => number },
): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "bulkhead_http_request_duration_seconds",
    help: "Time from the request's head to the end of its answer.",
    labelNames: ["method", "route", "status"],
    buckets: seconds,
    registers,
  });
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames, registers });
  gauge("bulkhead_build_info", "1, with the release.", "version").set({ version }, 1);
  const reachable = gauge("bulkhead_ledger_reachable", "1 while the ledger answers, else 0.");
  const byStatus = gauge("bulkhead_tenants", "Tenants by status.", "status");
  const byPlan = gauge("bulkhead_tenants_by_plan", "Tenants by plan.", "plan");
  const users = gauge("bulkhead_users", "Users of all tenants.");
  const bytes = gauge("bulkhead_live_bytes", "Live content of all tenants.");
  const above80 = gauge("bulkhead_tenants_above_80_percent", "Tenants above 80 % of a limit.");
  const failing = gauge("bulkhead_mounts_failing", "Mounts whose storage does not answer.");

  const tell = (all: TenantsHealth | undefined): void => {
    reachable.set(all === undefined ? 0 : 1);
    // What nobody knows is not told as it was.
    for (const one of [byStatus, byPlan, users, bytes, above80, failing]) one.reset();
    if (all === undefined) return;
    for (const [status, n] of Object.entries(all.byStatus)) byStatus.set({ status }, n);
    for (const [plan, n] of Object.entries(all.byPlan)) byPlan.set({ plan }, n);
    users.set(all.totalUsers);
    bytes.set(all.totalBytes);
    above80.set(all.above80);
    failing.set(all.failingMounts);
  };
  let asked: { readonly at: number; readonly done: Promise<void> } | undefined;
  const collect = (): Promise<void> => {
    if (asked === undefined || now() - asked.at >= keptMs)
      asked = { at: now(), done: health().then(tell, () => tell(undefined)) };
    return asked.done;
  };

  // One child a route, method and status, found without building labels again.
  const children = new Map<string, { observe: (value: number) => void }>();
  return {
    observe: ({ method, route, status, ms }) => {
      const name = `${method} ${status} ${route}`;
      let child = children.get(name);
      if (child === undefined) {
        child = requests.labels(method, route, String(status));
        children.set(name, child);
      }
      child.observe(ms / 1000);
    },
    text: async () => {
      await collect();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
};
