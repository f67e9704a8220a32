import { type Gate, gates, type Plan, type PlanSettings, type TrialEnd } from "@bulkhead/contract";
import { z } from "zod";
import type { ConfigFault, ConfigPath } from "./config-error.ts";
import { type PlanCatalog, planCatalogs } from "./plan-catalogs.ts";

/** A plan of the configuration: what it leaves out is the catalog's plan of that name, or nothing. */
export type PlanConfig = { readonly [K in keyof Plan]?: Plan[K] | undefined };

/** What the configuration says of plans. */
export interface PlansConfig {
  readonly planCatalog: PlanCatalog | "none";
  readonly plans: Readonly<Record<string, PlanConfig>>;
  readonly currency: string;
  readonly defaultPlan?: string | undefined;
  readonly onTrialEnd: TrialEnd;
  readonly featureGates: Readonly<Partial<Record<Gate, readonly string[]>>>;
}

const amount = z.int().min(0);
const planName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "is 1 to 63 of a-z, 0-9, '-', '_'");

const plan: z.ZodType<PlanConfig> = z.strictObject({
  limits: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, "is a plain name"), amount.nullable())
    .optional()
    .describe(
      "How much of each resource: bytes, files, versionBytes, users, keys, shares, mounts, requests, or any other name; null is unlimited.",
    ),
  features: z.array(z.string().min(1)).optional().describe("Names that featureGates refers to."),
  baseMinor: amount.optional().describe("What a month costs, in minor units of the currency."),
  annualMinor: amount
    .optional()
    .describe("What a year costs, where it is billed once a year; twelve months by default."),
  overage: z
    .enum(["bill", "refuse"])
    .optional()
    .describe("What is beyond a limit and has a price is billed, or refused, as by default."),
  overagePrices: z
    .strictObject({
      userMinor: amount.optional().describe("A user more, a month."),
      gbMinor: amount.optional().describe("A GB more, a month."),
    })
    .optional()
    .describe("Prices of what is beyond the limits, in minor units."),
});

/** The part of the configuration that is about plans. */
export const plansSchema: {
  readonly [K in keyof Required<PlansConfig>]: z.ZodType<PlansConfig[K]>;
} = {
  planCatalog: z
    .enum(["nexus", "flow", "cello", "none"])
    .default("nexus")
    .describe("The plans that come with the server: those of one of three designs, or none."),
  plans: z
    .record(planName, plan)
    .default({})
    .describe("Plans by name, beside the catalog's; one of the same name changes the catalog's."),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "is three capital letters")
    .default("USD")
    .describe("The currency of all prices (ISO 4217)."),
  defaultPlan: planName
    .optional()
    .describe(
      "The plan of a tenant that is made without one; without it such a tenant has no limits.",
    ),
  onTrialEnd: z
    .union([z.enum(["active", "suspend"]), z.strictObject({ plan: planName })])
    .default("suspend")
    .describe(
      "What becomes of a tenant when its trial ends: it goes on, is suspended, or changes its plan.",
    ),
  featureGates: z
    .partialRecord(z.enum(gates), z.array(z.string().min(1)).min(1))
    .default({})
    .describe("What a tenant may do only if its plan has one of these features; never its files."),
};

/** Plans that are named and are not there. */
export const planFaults = (config: PlansConfig): readonly ConfigFault[] => {
  const known = plansOf(config);
  const missing = (path: ConfigPath, name: string | undefined): readonly ConfigFault[] =>
    name === undefined || Object.hasOwn(known, name)
      ? []
      : [
          {
            path,
            message: `there is no plan '${name}'; there are: ${Object.keys(known).join(", ")}`,
          },
        ];
  const { onTrialEnd } = config;
  return [
    ...missing(["defaultPlan"], config.defaultPlan),
    ...missing(
      ["onTrialEnd", "plan"],
      typeof onTrialEnd === "string" ? undefined : onTrialEnd.plan,
    ),
  ];
};

const nothing: Plan = {
  limits: {},
  features: [],
  baseMinor: 0,
  overage: "refuse",
  overagePrices: {},
};

const plansOf = ({ planCatalog, plans }: PlansConfig): Readonly<Record<string, Plan>> => {
  const catalog: Readonly<Record<string, Plan>> =
    planCatalog === "none" ? {} : planCatalogs[planCatalog];
  const names = new Set([...Object.keys(catalog), ...Object.keys(plans)]);
  return Object.fromEntries(
    [...names].map((name) => {
      const { limits, features, baseMinor, annualMinor, overage, overagePrices } =
        plans[name] ?? {};
      const base = catalog[name] ?? nothing;
      const year = annualMinor ?? base.annualMinor;
      return [
        name,
        {
          limits: { ...base.limits, ...limits },
          features: features ?? base.features,
          baseMinor: baseMinor ?? base.baseMinor,
          ...(year !== undefined && { annualMinor: year }),
          overage: overage ?? base.overage,
          overagePrices: { ...base.overagePrices, ...overagePrices },
        } satisfies Plan,
      ];
    }),
  );
};

/** The configuration's plans as the engine takes them. */
export const planSettings = (config: PlansConfig): PlanSettings => ({
  currency: config.currency,
  plans: plansOf(config),
  defaultPlan: config.defaultPlan,
  onTrialEnd: config.onTrialEnd,
  featureGates: config.featureGates,
});
