import type { Plan } from "@bulkhead/contract";

export type PlanCatalog = "nexus" | "flow" | "cello";

const mb = 1024 ** 2;
const gb = 1024 ** 3;

/** The prices that plans of `nexus` name for what is beyond their limits, where they bill it. */
const overagePrices = { userMinor: 1000, gbMinor: 50 } as const;
const free = { baseMinor: 0, overage: "refuse", overagePrices: {} } as const;

/** The plans that come with the server, by the design that they are from. Money is in minor units, sizes in bytes. */
export const planCatalogs: Readonly<Record<PlanCatalog, Readonly<Record<string, Plan>>>> = {
  nexus: {
    free: {
      limits: { users: 5, bytes: 10 * gb, files: 1000 },
      features: ["basic_storage", "basic_sharing"],
      baseMinor: 0,
      overage: "refuse",
      overagePrices,
    },
    pro: {
      limits: { users: 50, bytes: 500 * gb, files: 50_000 },
      features: ["advanced_storage", "advanced_sharing", "api_access"],
      baseMinor: 9900,
      overage: "refuse",
      overagePrices,
    },
    enterprise: {
      limits: { users: null, bytes: null, files: null },
      features: ["all", "custom_integrations", "dedicated_support"],
      baseMinor: 49_900,
      overage: "refuse",
      overagePrices,
    },
  },
  flow: {
    free: {
      ...free,
      limits: { sandboxes: 1, bytes: 100 * mb, computeHours: 1, users: 1, requests: 1000 },
      features: [],
    },
    premium: {
      ...free,
      limits: { sandboxes: 5, bytes: 1000 * mb, computeHours: 10, users: 5, requests: 10_000 },
      features: [],
    },
    enterprise: {
      ...free,
      limits: {
        sandboxes: 20,
        bytes: 10_000 * mb,
        computeHours: 100,
        users: 50,
        requests: 100_000,
      },
      features: [],
    },
  },
  cello: {
    starter: { ...free, limits: { users: 10 }, features: ["api"] },
    enterprise: { ...free, limits: { users: 100 }, features: ["analytics", "api", "export"] },
  },
};
