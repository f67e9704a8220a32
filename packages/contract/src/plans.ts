import type { Context } from "./context.ts";
import type { TenantRecord } from "./records.ts";

/** How much of each resource a tenant may have; null is unlimited. Bytes and counts are whole numbers. */
export type Limits = Readonly<Record<string, number | null>>;

/** What a plan charges for what is beyond its limits, in minor units. */
export interface OveragePrices {
  /** A user more, a month. */
  readonly userMinor?: number | undefined;
  /** A GB (1024³ bytes) more, a month. */
  readonly gbMinor?: number | undefined;
}

/** What a tenant gets, and what it pays for it. Money is in minor units of the catalog's currency. */
export interface Plan {
  readonly limits: Limits;
  readonly features: readonly string[];
  /** A month. */
  readonly baseMinor: number;
  /** A year, where it is billed once a year; undefined is twelve months. */
  readonly annualMinor?: number | undefined;
  /** What is beyond the limits and has a price is billed, or is refused like everything else beyond a limit. */
  readonly overage: "bill" | "refuse";
  readonly overagePrices: OveragePrices;
}

/** What becomes of a tenant when its trial ends: it goes on, it is suspended, or it goes on under another plan. */
export type TrialEnd = "active" | "suspend" | { readonly plan: string };

/** What a plan's features can decide about. Never the files. */
export const gates = ["shares", "links", "groups", "models", "audit", "changes"] as const;
export type Gate = (typeof gates)[number];

/** Every plan, and which of them is whose. */
export interface PlanSettings {
  /** ISO 4217. */
  readonly currency: string;
  readonly plans: Readonly<Record<string, Plan>>;
  /** Of a tenant that is made without one; undefined leaves it without a plan, and without limits. */
  readonly defaultPlan: string | undefined;
  readonly onTrialEnd: TrialEnd;
  /** The features of which a plan needs one for what is gated. What is not named here is free to every plan. */
  readonly featureGates: Readonly<Partial<Record<Gate, readonly string[]>>>;
}

/** What becomes of a request to change plans. */
export interface UpgradeInput {
  readonly plan: string;
  /** Tells what would change, and changes nothing. */
  readonly preview?: boolean | undefined;
}

/** A resource of which more is used than a plan would allow: it stays, and only growth stops. */
export interface Exceeded {
  readonly resource: string;
  readonly used: number;
  readonly limit: number;
}

/** What another plan would change. */
export interface UpgradePreview {
  readonly preview: true;
  readonly tenant: string;
  readonly from: string | null;
  readonly to: string;
  readonly limits: { readonly before: Limits; readonly after: Limits };
  readonly features: { readonly gained: readonly string[]; readonly lost: readonly string[] };
  /** A month, in minor units. */
  readonly baseMinor: { readonly before: number; readonly after: number };
  readonly currency: string;
  readonly exceeded: readonly Exceeded[];
  readonly endsTrial: boolean;
}

/** What plans do to tenants. */
export interface PlanControl {
  readonly upgrade: (
    ctx: Context,
    id: string,
    input: UpgradeInput,
  ) => Promise<TenantRecord | UpgradePreview>;
}

/**
 * The limits that a plan holds a tenant to: what it bills beyond its limit is not refused.
 */
export const enforcedLimits = ({ limits, overage, overagePrices }: Plan): Limits => {
  if (overage === "refuse") return limits;
  const { userMinor, gbMinor } = overagePrices;
  return {
    ...limits,
    ...(userMinor !== undefined && "users" in limits && { users: null }),
    ...(gbMinor !== undefined && "bytes" in limits && { bytes: null }),
  };
};
