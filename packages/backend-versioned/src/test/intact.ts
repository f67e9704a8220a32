import type { Backend } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { expect } from "vitest";
import { collect } from "../collect.ts";
import { listBlobs } from "../list-blobs.ts";
import { scrub } from "../scrub.ts";
import type { TestLedger, TestTenant } from "./opened.ts";

/** Checks what no order of commits, and no end of them, may ever leave behind in the ledger. */
export const intact = async (at: TestLedger, tenant: TestTenant): Promise<void> => {
  const { counted, found } = await at.ledger.trees.recount(tenant.uid);
  expect(counted, "drift").toEqual(found);
  const faults = await at.sql(
    `select 'unreachable' as fault, n.sort_key from bulkhead.node n where n.tree = $1 and n.parent <> $1
        and not exists (select 1 from bulkhead.node p where p.tree = $1 and p.id = n.parent and p.version is null)
     union all select 'two of a name', rtrim(n.sort_key, '/') from bulkhead.node n where n.tree = $1
        group by n.parent, rtrim(n.sort_key, '/') having count(*) > 1
     union all select 'no content', n.sort_key from bulkhead.node n where n.tree = $1 and n.version is not null
        and not exists (select 1 from bulkhead.node_version v where v.tree = $1 and v.node = n.id and v.n = n.version)
     union all select 'twice', n.id::text from bulkhead.node n where n.tree = $1 group by n.id having count(*) > 1
     union all select 'no blob', v.blob::text from bulkhead.node_version v where v.tree = $1 and v.blob is not null
        and not exists (select 1 from bulkhead.blob b where b.id = v.blob)
     union all select 'references', b.id::text from bulkhead.blob b where b.tree = $1 and b.refs <>
        (select count(*) from bulkhead.node_version v where v.blob = b.id)`,
    [tenant.tree.id],
  );
  expect(faults).toEqual([]);
  expect(await at.ledger.auditLog.verify(tenant.uid)).toBeUndefined();
};

/** Lets every lease and grace pass, collects, and checks that the storage holds what is referenced, whole, and nothing else. */
export const collectedWhole = async (
  at: TestLedger,
  tenant: TestTenant,
  content: Backend,
): Promise<void> => {
  await at.sql(
    "update bulkhead.blob set lease = bulkhead.now() - interval '1 second' where tree = $1 and lease is not null",
    [tenant.tree.id],
  );
  const store = { store: tenant.tree.content, content, ledger: at.ledger.trees };
  const ctx = plainContext({ now: Date.now() + 1000 });
  await collect(ctx, store, { graceMs: 0, maxShare: 1 });
  const rows = await at.sql("select id, refs > 0 as live from bulkhead.blob where tree = $1", [
    tenant.tree.id,
  ]);
  expect(rows.filter((row) => row["live"] !== true)).toEqual([]);
  const listed = (await listBlobs(ctx, content)).map((blob) => blob.id);
  expect(listed.toSorted()).toEqual(rows.map((row) => String(row["id"])).toSorted());
  const left = await at.sql("select 1 from bulkhead.blob_tombstone where content = $1", [
    tenant.tree.content,
  ]);
  expect(left).toEqual([]);
  expect(await scrub(ctx, store, [tenant.tree.id])).toMatchObject({ damaged: [], damagedRows: [] });
  await intact(at, tenant);
};
