import { permissionBits, type Principal, type VirtualPath } from "@bulkhead/contract";
import type { Touch } from "@bulkhead/kit";
import type { Facts, RelationTuple, SubjectRef } from "../ports-relations.ts";

/** The chain that grants an access to something of `tenant`, or the nearest misses, in words. */
export type ReasonsFor = (
  caller: Principal,
  tenant: string,
  facts: Facts,
  touch: Touch<VirtualPath>,
) => Promise<Readonly<Record<string, unknown>>>;

/** Says why; of misses nothing about others to who could not ask about others. */
export const reasonsFor = (writeSubject: (subject: SubjectRef) => Promise<string>): ReasonsFor => {
  const written = async (tuple: RelationTuple): Promise<string> => {
    const subject = await writeSubject(tuple.subject);
    const { object } = tuple;
    const on =
      object.type === "file"
        ? `file:${object.path}`
        : object.type === "group"
          ? `group:${object.id}`
          : "the tenant";
    const end =
      tuple.expiresAt === undefined ? "" : ` until ${new Date(tuple.expiresAt).toISOString()}`;
    return `${subject} ${tuple.relation} ${on}${tuple.belowOnly === true ? "/*" : ""}${end}`;
  };

  return async (caller, tenant, facts, { path, access }) => {
    const name = access === "read" ? "can_read" : "can_write";
    const { chain, misses } = facts.explain(path, permissionBits[name]);
    const { kind, standing } = caller;
    // Who has what in another tenant is not the business of those it shares something with.
    const insider =
      kind === "platform" ||
      (caller.tenant?.uid === tenant && (kind === "capability" || standing?.admin === true));
    const told = insider
      ? misses
      : misses.filter(({ why }) => why !== "other-subject" && why !== "blocked");
    return {
      permission: name,
      path,
      chain: await Promise.all(chain.map(written)),
      ...(chain.length === 0 && {
        misses: await Promise.all(
          told.map(async ({ tuple, why }) => ({ why, relation: await written(tuple) })),
        ),
      }),
    };
  };
};
