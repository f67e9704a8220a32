import { FileError } from "@bulkhead/contract";
import { postgres, type ProvisionStep } from "@bulkhead/backend-postgres";
import { plainContext } from "@bulkhead/kit";
import { type JobControl, JobGivenUp, type JobHandler, type Ledger } from "@bulkhead/ledger";
import type { LedgerRoot } from "./roots.ts";
import type { RootDatabase, TenantDatabases } from "./tenant-databases.ts";

export interface ProvisionTenantOptions {
  readonly ledger: Pick<Ledger, "provisioning" | "tenants">;
  readonly databases: Pick<TenantDatabases, "make" | "drop" | "adminUrl">;
  /** The tenant's first root, as of now. */
  readonly rootOf: (uid: string) => Promise<LedgerRoot | undefined>;
  /** Told the server of each database that was made. */
  readonly made: (adminUrl: string) => Promise<void>;
}

/** The steps of a provisioning, in this order; each finds out what is left for it to do. */
export type TenantStep = ProvisionStep | "verify" | "activate";

/** Failures before it is given up, the waits between them a minute together. */
const failures = 7;

/**
 * Makes a tenant's database and then lets the tenant serve. Goes on where a crash interrupted it. Where it cannot
 * succeed it undoes everything: database, role and tenant go, the id is free again, and the job says why.
 */
export const provisionTenant = (options: ProvisionTenantOptions): JobHandler => {
  const { ledger, databases, rootOf, made } = options;

  const undo = async (root: LedgerRoot, reason: string, control: JobControl): Promise<never> => {
    // Noted before anything is taken away: whoever goes on after a crash goes on undoing.
    await control.progress({ step: "undo", undoing: reason });
    const { uid } = root.tenant;
    await ledger.provisioning.abandon(uid);
    await databases.drop(root);
    await ledger.tenants.finishRemoval(uid, { failed: reason });
    throw new JobGivenUp("internal", reason, { retry: "never" });
  };

  return async ({ tenantUid: uid, progress, attempt }, control) => {
    if (uid === undefined) throw new Error("A provisioning names its tenant.");
    const undoing = progress["undoing"];
    const root = await rootOf(uid);
    if (root === undefined)
      throw new JobGivenUp(
        "internal",
        typeof undoing === "string" ? undoing : "The tenant was deleted meanwhile.",
        { retry: "never" },
      );
    if (typeof undoing === "string") return undo(root, undoing, control);

    const onStep = async (step: TenantStep): Promise<void> => {
      await control.progress({ step });
      control.signal.throwIfAborted();
      // Asked while nobody else can make or drop the database: what is not wanted any more is not made again.
      const database = await ledger.provisioning.database(uid);
      if (database?.wanted !== true)
        throw new JobGivenUp("conflict", "The tenant was deleted meanwhile.", { retry: "never" });
    };

    try {
      const database = await databases.make(root, onStep);
      await onStep("verify");
      await verify(database);
      await made(databases.adminUrl(root.placement));
      await onStep("activate");
      await ledger.provisioning.activate(uid);
      return { databaseName: (await ledger.provisioning.database(uid))?.name };
    } catch (error) {
      if (control.signal.aborted || error instanceof JobGivenUp) throw error;
      if (isForGood(error) || attempt >= failures) return undo(root, reasonOf(error), control);
      throw error;
    }
  };
};

/** A server that does not answer may do so later; one that refused will refuse again. */
const isForGood = (error: unknown): boolean =>
  error instanceof FileError && (error.code === "internal" || error.code === "invalid-request");

const reasonOf = (error: unknown): string =>
  `The tenant's database could not be made, and nothing of it is left: ${
    error instanceof FileError ? error.detail : "the server's log says why."
  }`;

/** Looks through the tenant's own eyes, on a connection of its own. */
const verify = async ({ url, schema }: RootDatabase): Promise<void> => {
  const backend = postgres({ url, schema });
  try {
    await backend.probe(plainContext({ requestId: "job" }));
  } finally {
    await backend.close();
  }
};
