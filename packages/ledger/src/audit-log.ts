import type { AuditDraft, AuditEntry } from "@bulkhead/contract";
import { combine } from "./combine.ts";
import { type Database, toJson } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { pageLimitOf, readPosition, writePosition } from "./position.ts";
import { examineChains } from "./audit-verify.ts";
import { type AuditLog, platformUid } from "./types.ts";

const entries = functionCall("denials_v1", 1);
const writable = functionCall("audit_writable_v1", 1);

/** Reads one chain at a time, under the row-level security of its tenant. */
export const createAuditLog = (scoped: Database): AuditLog => {
  const examine = examineChains(scoped);
  // What many readers of one tenant wait for is written together: each entry takes the chain's head in turn.
  const together = combine<AuditDraft, boolean>(async (tenant, drafts) => {
    const batch = drafts.map((draft) => ({ tenant, draft, result: "SUCCESS" }));
    await scoped.call<null>(entries, [toJson(batch)]);
    return drafts.map(() => true);
  });
  return {
    list: async (tenantUid, query) => {
      const limit = pageLimitOf(query);
      const [before] = readPosition(query.after, 1) ?? ["9223372036854775807"];
      const tenant = tenantUid ?? platformUid;
      const rows = await scoped.transaction(async (tx) => {
        await tx.rows("select bulkhead.enter_v1($1)", [tenant]);
        return await tx.rows<{ n: string; entry: AuditEntry }>(
          `select a.n, jsonb_build_object('id', a.id, 'at', bulkhead.ms(a.at),
           'tenant', (select t.id from bulkhead.tenant t where t.uid = a.tenant), 'actor', a.actor, 'key', a.key,
           'action', a.action, 'resource', a.resource, 'result', a.result, 'requestId', a.request_id,
           'front', a.front, 'detail', a.detail) as entry
         from bulkhead.audit a where a.tenant = $1 and a.n < $2::numeric
           and ($3::text is null or a.actor = $3) and ($4::text is null or a.action = $4)
           and ($5::text is null or (a.result = 'SUCCESS') = ($5 = 'success'))
           and ($6::double precision is null or a.at >= to_timestamp($6::double precision / 1000))
           and ($7::double precision is null or a.at < to_timestamp($7::double precision / 1000))
         order by a.n desc limit $8`,
          [
            tenant,
            before,
            query.actor ?? null,
            query.action ?? null,
            query.result ?? null,
            query.since ?? null,
            query.until ?? null,
            limit + 1,
          ],
        );
      });
      const items = rows.slice(0, limit).map((row) => row.entry);
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return last === undefined ? { items } : { items, next: writePosition([last.n]) };
    },
    record: async (tenantUid, draft) => {
      await together(tenantUid, draft);
    },
    examine,
    checkWritable: async (tenantUid) => {
      await scoped.call<null>(writable, [tenantUid]);
    },
    verify: async (tenantUid) => (await examine(tenantUid)).fault,
  };
};
