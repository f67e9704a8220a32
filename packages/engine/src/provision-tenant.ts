import { FileError } from "@bulkhead/contract";
import { postgres, type ProvisionStep } from "@bulkhead/backend-postgres";
import { plainContext } from "@bulkhead/kit";
import { JobGivenUp, type JobHandler, type Ledger } from "@bulkhead/ledger";
import { bucketNotes } from "./bucket-notes.ts";
import type { LedgerRoot } from "./roots.ts";
import type { TenantBuckets } from "./tenant-buckets.ts";
import type { RootDatabase, TenantDatabases } from "./tenant-databases.ts";

export interface ProvisionTenantOptions {
  readonly ledger: Pick<Ledger, "provisioning" | "tenants">;
  readonly databases: Pick<TenantDatabases, "make" | "drop" | "adminUrl" | "has">;
  readonly buckets: Pick<TenantBuckets, "make" | "drop">;
  /** The tenant's first root, as of now. */
  readonly rootOf: (uid: string) => Promise<LedgerRoot | undefined>;
  /** Told the server of each database that was made. */
  readonly made: (adminUrl: string) => Promise<void>;
}

/** The steps of a provisioning, in this order; each finds out what is left for it to do. */
export type TenantStep = ProvisionStep | "verify" | "bucket" | "activate";

/** Failures before it is given up, the waits between them a minute together. */
const failures = 7;

/**
 * Makes a tenant's database and buckets and then lets the tenant serve. Goes on where a crash interrupted it. Where it
 * cannot succeed it undoes everything: database, role, buckets and tenant go, the id is free again, and the job says why.
 */
export const provisionTenant = (options: ProvisionTenantOptions): JobHandler => {
  const { ledger, databases, buckets, rootOf, made } = options;

  return async ({ tenantUid: uid, progress: before, attempt }, control) => {
    if (uid === undefined) throw new Error("A provisioning names its tenant.");
    const undoing = before["undoing"];
    const root = await rootOf(uid);
    if (root === undefined)
      throw new JobGivenUp(
        "internal",
        typeof undoing === "string" ? undoing : "The tenant was deleted meanwhile.",
        { retry: "never" },
      );
    const { notes, report } = bucketNotes(before, control);

    const undo = async (reason: string): Promise<never> => {
      // Noted before anything is taken away: whoever goes on after a crash goes on undoing.
      await report({ step: "undo", undoing: reason });
      await ledger.provisioning.abandon(uid);
      await databases.drop(root);
      await buckets.drop(uid, notes, control.signal);
      await ledger.tenants.finishRemoval(uid, { failed: reason });
      throw new JobGivenUp("internal", reason, { retry: "never" });
    };
    if (typeof undoing === "string") return undo(undoing);

    const onStep = async (step: TenantStep): Promise<void> => {
      await report({ step });
      control.signal.throwIfAborted();
      // Asked while nobody else can make or drop the database: what is not wanted any more is not made again.
      if (!(await ledger.provisioning.wanted(uid)))
        throw new JobGivenUp("conflict", "The tenant was deleted meanwhile.", { retry: "never" });
    };

    try {
      if (databases.has(root.placement)) {
        const database = await databases.make(root, onStep);
        await onStep("verify");
        await verify(database);
        await made(databases.adminUrl(root.placement));
      }
      const names = await buckets.make(uid, notes, control.signal, () => onStep("bucket"));
      await onStep("activate");
      await ledger.provisioning.activate(uid);
      const database = await ledger.provisioning.database(uid);
      return {
        ...(database && { databaseName: database.name }),
        ...(names.length > 0 && { buckets: names }),
      };
    } catch (error) {
      if (control.signal.aborted || error instanceof JobGivenUp) throw error;
      if (isForGood(error) || attempt >= failures) return undo(reasonOf(error));
      throw error;
    }
  };
};

/** A server that does not answer may do so later; one that refused will refuse again. */
const isForGood = (error: unknown): boolean =>
  error instanceof FileError &&
  (error.code === "internal" ||
    error.code === "invalid-request" ||
    error.code === "already-exists");

const reasonOf = (error: unknown): string =>
  `What the tenant needs could not be made, and nothing of it is left: ${
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
