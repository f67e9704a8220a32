import type { UsageReport, Quota } from "@bulkhead/contract";

/** Above so many percent of a limit somebody is told. */
const warnAbove = 80;

const labels: Readonly<Record<string, string>> = {
  bytes: "Storage",
  versionBytes: "Version storage",
};

const labelOf = (resource: string): string =>
  labels[resource] ?? `${resource.slice(0, 1).toUpperCase()}${resource.slice(1)}`;

/** Percent to one decimal; null without a limit. Where nothing may be, something is all of it. */
const percentOf = (used: number, limit: number | null): number | null => {
  if (limit === null) return null;
  if (limit === 0) return used === 0 ? 0 : 100;
  return Math.round((used / limit) * 1000) / 10;
};

/** Says what a tenant uses of what its plan includes. */
export const usageReport = (quota: Quota, requests: number | undefined): UsageReport => {
  const { plan, included, soft, used } = quota;
  const usage: Readonly<Record<string, number>> = {
    ...used,
    ...(requests !== undefined && { requests }),
  };
  const utilization: Record<string, number | null> = {};
  const warnings: string[] = [];
  for (const resource of [
    ...new Set([...Object.keys(usage), ...Object.keys(included)]),
  ].toSorted()) {
    const there = usage[resource] ?? 0;
    const limit = included[resource] ?? null;
    const percent = percentOf(there, limit);
    utilization[resource] = percent;
    // Compared as whole numbers: what was rounded may seem to be on the other side.
    if (limit !== null && there * 100 > limit * warnAbove)
      warnings.push(`${labelOf(resource)} at ${percent}% of limit`);
    const line = soft[resource];
    if (typeof line === "number" && there > line)
      warnings.push(`${labelOf(resource)} above the soft limit of ${line}`);
  }
  return { plan, usage, limits: included, utilization, warnings };
};
