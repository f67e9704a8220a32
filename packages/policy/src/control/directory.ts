import {
  type DirectoryControl,
  type DirectoryEntry,
  type DirectoryInput,
  FileError,
  type PageOf,
  type PageQuery,
  type Settlement,
} from "@bulkhead/contract";
import type { Elsewhere } from "../elsewhere.ts";
import type { Audited } from "./audited.ts";
import { checkPlatform } from "./check-admin.ts";
import { checkSubdomain, checkTenantId } from "./tenants.ts";

/** The directory as the ledger keeps it. */
export interface DirectoryStore {
  readonly find: (named: {
    readonly tenant?: string | undefined;
  }) => Promise<DirectoryEntry | undefined>;
  readonly list: (query: PageQuery) => Promise<PageOf<DirectoryEntry>>;
  readonly put: (settlement: Settlement, input: DirectoryInput) => Promise<DirectoryEntry>;
  readonly remove: (settlement: Settlement, tenant: string) => Promise<void>;
}

export interface DirectoryControlOptions {
  readonly directory: DirectoryStore;
  readonly elsewhere: Pick<Elsewhere, "addressIn">;
  readonly audited: Audited;
}

/** Says which tenants other regions' servers serve. */
export const directoryControl = ({
  directory,
  elsewhere,
  audited,
}: DirectoryControlOptions): DirectoryControl => ({
  list: (ctx, query) =>
    audited(ctx, "directory.list", "directory:*", async () => {
      checkPlatform(ctx.principal);
      return directory.list(query);
    }),
  get: (ctx, tenant) =>
    audited(ctx, "directory.get", `directory:${tenant}`, async () => {
      checkPlatform(ctx.principal);
      const found = await directory.find({ tenant });
      if (found === undefined)
        throw new FileError("not-found", "The directory has no such tenant of another region.");
      return found;
    }),
  put: (ctx, input) =>
    audited(ctx, "directory.put", `directory:${input.tenant}`, async (settlement) => {
      checkPlatform(ctx.principal);
      checkTenantId(input.tenant);
      checkSubdomain(input.subdomain);
      if (elsewhere.addressIn(input.region) === undefined)
        throw new FileError(
          "invalid-request",
          `The configuration's 'regions' has no address for '${input.region}'.`,
        );
      if (settlement.audit !== undefined) settlement.audit.detail = { region: input.region };
      return directory.put(settlement, input);
    }),
  remove: (ctx, tenant) =>
    audited(ctx, "directory.remove", `directory:${tenant}`, async (settlement) => {
      checkPlatform(ctx.principal);
      await directory.remove(settlement, tenant);
    }),
});
