import type { Defect } from "./defect.ts";

/** What a tenant may use, and what it is charged. */
export const quota: readonly Defect[] = [
  {
    name: "room-not-held",
    breaks: "What streams without end stops where the room ends.",
    file: "packages/policy/src/quota/quota.ts",
    before: `if (pulled > allowed) await makeRoom(pulled);`,
    after: ``,
    suites: [
      "packages/policy/src/quota/quota.test.ts",
      "packages/engine/src/charging.test.ts",
      "test/tutorials/limits-on-storages.test.ts",
    ],
  },
  {
    name: "refused-counted",
    breaks: "A request that one limit refuses is not counted against the others.",
    file: "packages/policy/src/rates/drawing.ts",
    before: `refund(asked.slice(0, i), now);`,
    after: ``,
    suites: ["packages/policy/src/once-more.test.ts"],
  },
  {
    name: "unplaced-counted",
    breaks: "A request that found no place is not counted.",
    file: "packages/policy/src/control/enter.ts",
    before: `drawing.refund(buckets, now);`,
    after: ``,
    suites: ["packages/policy/src/once-more.test.ts"],
  },
  {
    name: "one-request-too-many",
    breaks: "No more requests are accepted than a limit says.",
    file: "packages/policy/src/rates/drawing.ts",
    before: `if (current && slice.tokens > 0) {`,
    after: `if (current && slice.tokens > -1) {`,
    suites: ["packages/policy/src/rates/limits.test.ts", "packages/engine/src/rates.test.ts"],
  },
  {
    name: "owner-not-drawn",
    breaks: "What is asked through a share counts against its owner's limit.",
    file: "packages/policy/src/shares.ts",
    before: `await draw(ctx, [place.point]);`,
    after: ``,
    suites: ["packages/policy/src/once-more.test.ts"],
  },
  {
    name: "limit-without-the-reserved",
    breaks: "Room that somebody holds is nobody else's.",
    file: "packages/ledger/src/migrations/quota-intents.ts",
    before: `  if v_needs.bytes > 0 and v_head.used + v_head.reserved + v_needs.bytes > v_bytes then
    v_head.reserved`,
    after: `  if v_needs.bytes > 0 and v_head.used + v_needs.bytes > v_bytes then
    v_head.reserved`,
    suites: ["packages/engine/src/charging.test.ts", "test/processes/quota-raced.test.ts"],
  },
  {
    name: "settled-without-reserving",
    breaks: "An intent reserves what its effect is going to add, from its commit on.",
    file: "packages/ledger/src/migrations/quota-intents.ts",
    before: `  update bulkhead.intent i set reserved_bytes = greatest(v_needs.bytes, 0), reserved_files = greatest(v_needs.files, 0)
    where i.id = v_before.id;
  update bulkhead.tenant_head h set reserved = v_head.reserved + greatest(v_needs.bytes, 0),
      files = v_head.files + greatest(v_needs.files, 0), reserved_files = v_head.reserved_files + greatest(v_needs.files, 0)
    where h.uid = v_tenant;`,
    after: ``,
    suites: ["packages/engine/src/charging.test.ts", "test/processes/quota-raced.test.ts"],
  },
  {
    name: "charged-on-failure",
    breaks: "What an intent reserved is given back, however it ends.",
    file: "packages/ledger/src/migrations/quota-intents.ts",
    before: `if old.reserved_bytes + v_kept <> 0 or old.reserved_files <> 0 then`,
    after: `if old.state = 'open' and (old.reserved_bytes + v_kept <> 0 or old.reserved_files <> 0) then`,
    suites: ["packages/engine/src/charging.test.ts", "test/tutorials/limits-on-storages.test.ts"],
  },

  {
    name: "removal-not-credited",
    breaks: "What is gone from plain storage is no longer charged.",
    file: "packages/ledger/src/migrations/functions-accounted.ts",
    before: `    when 'gone' then
      select -c.bytes, -c.files into bytes, files from bulkhead.accounted_clear_v1(p_mount, v_to) c;`,
    after: `    when 'gone' then
      select 0, 0 into bytes, files from bulkhead.accounted_clear_v1(p_mount, v_to) c;`,
    suites: ["packages/engine/src/charging.test.ts"],
  },
  {
    name: "small-writes-unlimited",
    breaks: "A small write checks the room in its commit.",
    file: "packages/ledger/src/migrations/functions-tree-write.ts",
    before: `elsif v_new > v_size and v_used + v_reserved + v_new - v_size > v_bytes_limit then`,
    after: `elsif v_new > v_size and v_used + v_reserved + v_new - v_size > v_bytes_limit + v_new then`,
    suites: ["packages/ledger/src/trees.test.ts", "test/processes/quota-raced.test.ts"],
  },
  {
    name: "journal-counted-twice",
    breaks: "A stretch of a process's journal is counted once.",
    file: "packages/ledger/src/migrations/usage.ts",
    before: `update bulkhead.usage_journal j set absorbed = p_to, at = bulkhead.now() where j.id = p_journal;`,
    after: `update bulkhead.usage_journal j set at = bulkhead.now() where j.id = p_journal;`,
    suites: [
      "packages/engine/src/start-metering.test.ts",
      "test/tutorials/concept-metering.test.ts",
    ],
  },
  {
    name: "key-reused-for-another-request",
    breaks: "An Idempotency-Key stands for one request.",
    file: "packages/ledger/src/migrations/functions-hot.ts",
    before: `if p_digest is not null and v.digest is not null and p_digest <> v.digest then`,
    after: `if p_digest is null and v.digest is not null and p_digest <> v.digest then`,
    suites: ["packages/ledger/src/idempotency.test.ts"],
  },
  {
    name: "done-twice-after-a-lapse",
    breaks: "A claim that lapsed and is somebody else's commits nothing.",
    file: "packages/ledger/src/migrations/functions-hot.ts",
    before: `if not found then raise exception 'claim lost' using errcode = 'BH409'; end if;`,
    after: ``,
    suites: ["packages/ledger/src/idempotency.test.ts", "packages/ledger/src/intents.test.ts"],
  },
];
