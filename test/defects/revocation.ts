import type { Defect } from "./defect.ts";

/** Right after a revoke nothing gets through. */
export const revocation: readonly Defect[] = [
  {
    name: "commit-not-decided-again",
    breaks: "A change is decided again when it commits.",
    file: "packages/policy/src/fence.ts",
    before: `          await decideAgain(ctx, call);
          await ctx.commit(staged);`,
    after: `          await ctx.commit(staged);`,
    suites: ["packages/engine/src/authorize.test.ts", "test/processes/revocation.test.ts"],
  },
  {
    name: "content-decided-before-it-opened",
    breaks: "What was written after a revoke is never answered to the revoked.",
    file: "packages/policy/src/fence.ts",
    before: `lasting = await decideAgain(ctx, call, result.snapshot);`,
    after: `lasting = { until: Infinity, now: ctx.now };`,
    suites: ["packages/policy/src/once-more.test.ts"],
  },
  {
    name: "streams-never-asked-again",
    breaks: "An open stream stops within a second of its key's end.",
    file: "packages/policy/src/stream-watch.ts",
    before: `stream.until = onOwnClock(await stream.again());`,
    after: `stream.until = await Promise.resolve(Infinity);`,
    suites: ["packages/engine/src/stream-end.test.ts", "test/processes/streams-in-flight.test.ts"],
  },

  {
    name: "graph-without-revision",
    breaks: "Relations in memory are at least as new as the revision that the request read.",
    file: "packages/engine/src/graphs.ts",
    before: `have.epoch === wanted.epoch && have.n >= wanted.n;`,
    after: `have.tenant === wanted.tenant;`,
    suites: ["packages/engine/src/graphs.test.ts", "packages/engine/src/relation-control.test.ts"],
  },
  {
    name: "graph-across-epochs",
    breaks: "Another epoch drops what is in memory.",
    file: "packages/engine/src/graphs.ts",
    before: `have.epoch === wanted.epoch && have.n >= wanted.n;`,
    after: `have.n >= wanted.n;`,
    suites: ["packages/engine/src/graphs.test.ts"],
  },
  {
    name: "bearer-without-revision",
    breaks: "A key's bearer is known only while no revision has moved.",
    file: "packages/ledger/src/authority.ts",
    before: `if (current?.n !== revision.n || current.epoch !== revision.epoch) return undefined;`,
    after: ``,
    suites: ["packages/ledger/src/authority.test.ts"],
  },
  {
    name: "bearer-after-its-end",
    breaks: "An expired key is nobody's, also where no revision moves.",
    file: "packages/ledger/src/authority.ts",
    before: `if (principal.expiresAt !== undefined && principal.expiresAt <= now) return undefined;`,
    after: ``,
    suites: ["packages/ledger/src/authority.test.ts"],
  },
  {
    name: "read-older-than-the-question",
    breaks: "Nobody is served by a revision read that was sent before it asked.",
    file: "packages/ledger/src/shared-read.ts",
    before: `for (const waiter of batch) waiter.resolve(answer);`,
    after: `for (const waiter of [...batch, ...waiting.splice(0)]) waiter.resolve(answer);`,
    suites: ["packages/ledger/src/shared-read.test.ts"],
  },
  {
    name: "taking-without-the-fence",
    breaks: "What takes access away holds the tenant's fence alone.",
    file: "packages/ledger/src/change.ts",
    before: `exclusive.has(uid) ? "pg_advisory_xact_lock" : "pg_advisory_xact_lock_shared";`,
    after: `"pg_advisory_xact_lock_shared";`,
    suites: ["packages/ledger/src/fence.test.ts", "packages/ledger/src/relations-race.test.ts"],
  },
  {
    name: "revoke-returns-early",
    breaks: "A revoke returns when no commit that was granted before it can still take effect.",
    file: "packages/ledger/src/change.ts",
    before: `if (at !== undefined) await settled(database, uid, at);`,
    after: `if (at === undefined) await settled(database, uid, { epoch: "", n: 0 });`,
    suites: ["packages/ledger/src/fence.test.ts", "packages/ledger/src/intents.test.ts"],
  },
  {
    name: "intent-commits-on-old-facts",
    breaks: "An intent commits only on the revisions that its decision stood on.",
    file: "packages/ledger/src/migrations/functions-hot.ts",
    before: `  if bulkhead.moved_v1(p_settlement) then return 'moved'; end if;
  perform bulkhead.enter_v1(split_part(p_id, '.', 1)::uuid);
  update bulkhead.intent i set state = 'committing'`,
    after: `  perform bulkhead.enter_v1(split_part(p_id, '.', 1)::uuid);
  update bulkhead.intent i set state = 'committing'`,
    suites: ["packages/ledger/src/fence.test.ts", "packages/ledger/src/intents.test.ts"],
  },
  {
    name: "family-lives-on",
    breaks: "Revoking a key revokes what was minted with it.",
    file: "packages/ledger/src/keys.ts",
    before: `             union select k.id from family f join bulkhead.key k on k.parent = f.id
`,
    after: ``,
    suites: ["packages/ledger/src/authority.test.ts", "test/tutorials/concept-keys.test.ts"],
  },
  {
    name: "expired-relation-holds",
    breaks: "An expired relation is absent everywhere at once.",
    file: "packages/rebac/src/graph/asking.ts",
    before: `  if (until <= now) return;
  if ((bits & blocked) !== 0) met.blocked = true;`,
    after: `  if ((bits & blocked) !== 0) met.blocked = true;`,
    suites: ["packages/rebac/src/graph/rules.test.ts", "packages/rebac/src/graph/moments.test.ts"],
  },
  {
    name: "block-overlooked",
    breaks: "A block overrides what is given along the whole path.",
    file: "packages/rebac/src/graph/verdict.ts",
    before: `  if (!met.blocked) {
    share`,
    after: `  if (!met.unsure) {
    share`,
    suites: [
      "packages/rebac/src/graph/rules.test.ts",
      "packages/rebac/src/graph/graph-random.test.ts",
    ],
  },
  {
    name: "viewers-write",
    breaks: "A viewer reads, and does not write.",
    file: "packages/rebac/src/graph/verdict.ts",
    before: `write = Math.max(share, met.editor);`,
    after: `write = Math.max(share, met.editor, met.viewer);`,
    suites: [
      "packages/rebac/src/graph/rules.test.ts",
      "packages/rebac/src/graph/graph-random.test.ts",
    ],
  },
  {
    name: "recreated-name-inherits",
    breaks: "A name that is made again inherits no grant.",
    file: "packages/rebac/src/graph/change.ts",
    before: `return purgeRelations(on, what.path);`,
    after: `return;`,
    suites: [
      "packages/rebac/src/graph/rules.test.ts",
      "packages/rebac/src/graph/graph-random.test.ts",
    ],
  },
  {
    name: "undecided-lets-through",
    breaks: "Where a block cannot be decided, it blocks.",
    file: "packages/rebac/src/graph/asking.ts",
    before: `      met.blocked = true;
      met.unsure = true;`,
    after: `      met.unsure = true;`,
    suites: [
      "packages/rebac/src/graph/limits.test.ts",
      "packages/rebac/src/graph/graph-random.test.ts",
    ],
  },
  {
    name: "overtaken-process-commits",
    breaks: "A process that lost a storage's lease commits nothing there any more.",
    file: "packages/ledger/src/migrations/functions-hot.ts",
    before: `if v_fencing is not null and not exists (select 1 from bulkhead.lease l`,
    after: `if v_fencing < 0 and not exists (select 1 from bulkhead.lease l`,
    suites: ["packages/ledger/src/intents.test.ts", "packages/ledger/src/fence.test.ts"],
  },
  {
    name: "held-after-the-lease",
    breaks: "Every call after the lease is gone is refused.",
    file: "packages/engine/src/held.ts",
    before: `gone || performance.now() >= validUntil`,
    after: `gone && performance.now() >= validUntil`,
    suites: ["packages/engine/src/held.test.ts"],
  },
  {
    name: "rows-of-every-tenant",
    breaks: "The role that serves requests sees the rows of the tenant it has entered.",
    file: "packages/ledger/src/migrations/functions-lone-write.ts",
    before: `      using (tenant = (select bulkhead.tenant()))', v_name);`,
    after: `      using (true)', v_name);`,
    suites: ["packages/ledger/src/row-level-security.test.ts"],
  },
  {
    name: "head-of-a-chain-not-compared",
    breaks: "A chain that was made anew behind a signed head is found.",
    file: "packages/ledger/src/audit-verify.ts",
    before: `if (found !== head.hash)`,
    after: `if (found === "")`,
    suites: ["packages/ledger/src/audit.test.ts", "packages/engine/src/head-signer.test.ts"],
  },
];
