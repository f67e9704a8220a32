import { type WireBill, wireBill } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

/** Bills, made of what is counted at the moment they are asked for: to the platform, and to a tenant's admin of its own. */
export interface Bills {
  /** The bill of a month of UTC, `2026-11`; `final` once that is over. */
  readonly get: (tenant: string, month: string, options?: CallOptions) => Promise<WireBill>;
  /** The same as CSV that a spreadsheet can open. */
  readonly csv: (tenant: string, month: string, options?: CallOptions) => Promise<string>;
}

export const createBills = (transport: Transport): Bills => {
  const sending = (tenant: string, month: string, { signal }: CallOptions, format?: "csv") => ({
    method: "GET" as const,
    target: recordTarget("tenants", tenant, "bill"),
    query: { month, format },
    signal,
    repeatable: true,
  });
  return {
    get: async (tenant, month, options = {}) =>
      transport.ask(sending(tenant, month, options), wireBill),
    csv: async (tenant, month, options = {}) =>
      (await transport.send(sending(tenant, month, options, "csv"))).text(),
  };
};
