import type { PlanSettings } from "@bulkhead/contract";

/** What an engine has that was given no plans: no tenant is on one. */
export const noPlans: PlanSettings = {
  currency: "USD",
  plans: {},
  defaultPlan: undefined,
  onTrialEnd: "suspend",
  featureGates: {},
};
