import type { ResidencyItem } from "@bulkhead/contract";
import { recordPage, residencyItem } from "@bulkhead/wire";
import { createDirectory, type Directory } from "./directory.ts";
import { allRecords, type RecordListOptions } from "./records.ts";
import { recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

/** Where tenants and their files are. */
export interface Residency {
  /** Looks where each file of a tenant is: its content, and what is known of it. */
  readonly verify: (
    tenant: string,
    options?: RecordListOptions,
  ) => AsyncGenerator<ResidencyItem, void, undefined>;
  readonly directory: Directory;
}

const page = recordPage(residencyItem);

export const createResidency = (transport: Transport): Residency => ({
  verify: (tenant, options = {}) =>
    allRecords(transport, recordTarget("tenants", tenant, "residency"), {}, options, page),
  directory: createDirectory(transport),
});
