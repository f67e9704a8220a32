import { FileError, type Subject, type UserRecord } from "@bulkhead/contract";
import type { Queries } from "./database.ts";
import { codeOf, constraintOf } from "./errors.ts";

/** Answers for what is not there, or is another tenant's. */
export const noSubject = (): never => {
  throw new FileError("not-found", "There is no such subject.");
};

/** A subject `s` as the record that callers see. */
export const userJson = `jsonb_build_object('tenant', (select t.id from bulkhead.tenant t where t.uid = s.tenant),
  'type', s.type, 'id', s.id, 'email', s.email, 'fullName', s.full_name, 'role', coalesce(s.role, 'member'),
  'status', case s.status when 'active' then 'active' else 'suspended' end,
  'createdAt', bulkhead.ms(s.created_at), 'updatedAt', bulkhead.ms(s.updated_at))`;

/** Runs a statement that answers one user's record, or nothing. */
export const userRow = async (
  queries: Queries,
  text: string,
  values: readonly unknown[],
): Promise<UserRecord | undefined> => {
  try {
    const [row] = await queries.rows<{ record: UserRecord }>(text, values);
    return row?.record;
  } catch (error) {
    if (codeOf(error) === "23505" && constraintOf(error) === "subject_email")
      throw new FileError("already-exists", "Somebody of this tenant has that e-mail address.", {
        cause: error,
      });
    throw error;
  }
};

/** Refuses subjects for a tenant that ends; the change holds its fence. */
export const requireLiving = async (tx: Queries, tenant: string): Promise<void> => {
  const [row] = await tx.rows(
    "select 1 from bulkhead.tenant where uid = $1 and status not in ('deleting', 'deleted')",
    [tenant],
  );
  if (row === undefined) throw new FileError("not-found", "There is no such tenant.");
};

/** Makes a subject known where it is not; nothing is changed of one that is. */
export const registerSubject = async (
  queries: Queries,
  tenant: string,
  subject: Subject,
): Promise<void> => {
  await queries.rows(
    `insert into bulkhead.subject (tenant, type, id)
     select t.uid, $2, $3 from bulkhead.tenant t where t.uid = $1 and t.status not in ('deleting', 'deleted')
     on conflict do nothing`,
    [tenant, subject.type, subject.id],
  );
};
