import { FileError, type Settlement, type TenantRecord } from "@bulkhead/contract";
import type { Changes } from "./change.ts";
import type { Queries } from "./database.ts";
import { codeOf, constraintOf } from "./errors.ts";
import { platformUid } from "./types.ts";

/** A tenant `t` as the record that callers see. */
export const tenantJson =
  "(bulkhead.tenant_json_v1(t) || jsonb_build_object('rateLimits', t.rate_limits))";

/** Answers for a tenant that is not there. */
export const noTenant = (): never => {
  throw new FileError("not-found", "There is no such tenant.");
};

const taken: Readonly<Record<string, string>> = {
  tenant_id: "There is a tenant of that id.",
  root_pkey: "That root belongs to a tenant already.",
  tenant_subdomain: "That subdomain belongs to a tenant already.",
};

/** Says `already-exists` of an id, root or subdomain that another tenant has. */
export const orTaken = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    const text = codeOf(error) === "23505" ? taken[constraintOf(error)] : undefined;
    throw text === undefined ? error : new FileError("already-exists", text, { cause: error });
  }
};

/** Reads a tenant, whatever its status. */
export const tenantRecord = async (tx: Queries, uid: string): Promise<TenantRecord> => {
  const [row] = await tx.rows<{ record: TenantRecord }>(
    `select ${tenantJson} as record from bulkhead.tenant t where uid = $1`,
    [uid],
  );
  return row?.record ?? noTenant();
};

/** Changes a tenant's row by the end of an `update` statement. */
export const patchTenant = async (
  tx: Queries,
  text: string,
  values: readonly unknown[],
): Promise<TenantRecord> => {
  const [row] = await orTaken(
    tx.rows<{ record: TenantRecord }>(
      `update bulkhead.tenant as t set updated_at = bulkhead.now(), ${text} returning ${tenantJson} as record`,
      values,
    ),
  );
  return row?.record ?? noTenant();
};

/** Changes one tenant; `takes` says that it may take something away. */
export type AlterTenant = <T extends TenantRecord>(
  kind: string,
  settlement: Settlement | undefined,
  uid: string,
  takes: boolean,
  work: (tx: Queries, n: number) => Promise<T>,
) => Promise<T>;

/** Each change moves the platform's revision, on which the mount table's snapshot stands. */
export const alterTenants =
  (change: Changes): AlterTenant =>
  (kind, settlement, uid, takes, work) =>
    change({
      kind,
      settlement,
      chain: uid,
      takesFrom: takes ? [uid] : [],
      bumps: [platformUid, uid],
      work: async (tx, at) => {
        const value = await work(tx, at.get(uid)?.n ?? 0);
        return { value, payload: { tenant: uid }, outcome: { tenant: uid } };
      },
    });
