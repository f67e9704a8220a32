import type { Control } from "@bulkhead/contract";
import type { Admittance } from "../admission.ts";

export interface EnterOptions {
  readonly admittance: Admittance;
  /** Runs work so that what all tenants use is shared out to it as the owner's part. */
  readonly onBehalfOf: <R>(owner: string, work: () => R) => R;
}

/** For whom a request counts: its key's tenant, or the platform. */
const ownerOf = (tenant: { readonly uid: string } | undefined): string => tenant?.uid ?? "platform";

/** Gives a request its place among those of its tenant. */
export const enterControl =
  ({ admittance, onBehalfOf }: EnterOptions): Control["enter"] =>
  async ({ principal, signal }) => {
    const owner = ownerOf(principal.tenant);
    const { stream, end } = await admittance.enter(owner, signal);
    return {
      rates: [],
      throttle: undefined,
      run: (work) => onBehalfOf(owner, work),
      stream,
      end,
    };
  };
