import type { EffectiveRates, RateLimits, TenantRecord } from "@bulkhead/contract";
import type { NamedBucket } from "./drawing.ts";

/** What holds for a tenant: its own limits, `null` being none, and those of the configuration where it says nothing. */
export const effectiveRates = (
  defaults: RateLimits,
  own: RateLimits | undefined,
): EffectiveRates => {
  const of = (name: keyof RateLimits): number | null => {
    const limit = own?.[name];
    return limit === undefined ? (defaults[name] ?? null) : limit;
  };
  return { tenant: of("tenant"), key: of("key"), bytesPerSecond: of("bytesPerSecond") };
};

/** The buckets that a request of a key draws from, the narrowest first: a flood of one key leaves the others theirs. */
export const bucketsOf = (
  tenant: Pick<TenantRecord, "uid" | "limits">,
  { tenant: all, key }: EffectiveRates,
  keyId: string | undefined,
): readonly NamedBucket[] => {
  const named = (
    name: NamedBucket["name"],
    bucket: string,
    limit: number | null | undefined,
    period: NamedBucket["period"] = "minute",
  ): readonly NamedBucket[] =>
    typeof limit === "number" ? [{ name, tenant: tenant.uid, bucket, limit, period }] : [];
  return [
    ...(keyId === undefined ? [] : named("key", `key:${keyId}`, key)),
    ...named("tenant", "tenant", all),
    ...named("requests", "requests", tenant.limits["requests"], "month"),
  ];
};
