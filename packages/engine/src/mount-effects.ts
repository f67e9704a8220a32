import type { MountPlan } from "@bulkhead/contract";

/** Tells a plan in sentences, for who is refused it. */
export const effectsOf = (plan: MountPlan): readonly string[] => [
  ...plan.add.map(({ path, backend }) => `${path} would be mounted on '${backend}'.`),
  ...plan.remove.map((id) => `The mount ${id} would be unmounted.`),
  ...plan.shadows.map(({ path, kind }) => `The ${kind} ${path} would be hidden.`),
  ...plan.tenants.map((id) => `Files of the tenant '${id}' would be reached otherwise.`),
  ...plan.residency.map(
    ({ path, content, metadata, attested }) =>
      `Content below ${path} would be in ${content ?? "no named region"}${attested ? ", as the operator says" : ""}; what is known of it in ${metadata ?? "no named region"}.`,
  ),
  ...plan.refusals.map(({ path, detail }) => `${path}: ${detail}`),
];
