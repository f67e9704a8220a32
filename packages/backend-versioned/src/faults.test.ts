import type { Backend } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { stack } from "@bulkhead/kit";
import { chaos, type Fault, faultsOf, perOperation, timeout } from "@bulkhead/resilience";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { collect } from "./collect.ts";
import type { LedgerCommit } from "./ledger-commit.ts";
import { scrub } from "./scrub.ts";
import { chaoticLedger, type LedgerFault } from "./test/chaotic-ledger.ts";
import { collectedWhole, intact } from "./test/intact.ts";
import {
  at,
  bytesAt,
  put,
  request,
  testLedger,
  type TestTenant,
  testTenant,
} from "./test/opened.ts";
import { before, large, places, plant, type Scenario, scenarios } from "./test/scenarios.ts";
import { versioned, type VersionedBackend } from "./versioned.ts";

const ledger = await testLedger();
afterAll(() => ledger[Symbol.asyncDispose]());

let tenant: TestTenant;
let content: Backend;
let sound: VersionedBackend;
beforeEach(async () => {
  tenant = await testTenant(ledger.ledger);
  content = memory();
  sound = tenant.open(content);
  await plant(sound);
});

const trees = (): LedgerCommit => ledger.ledger.trees;
const open = (over: Backend, through: LedgerCommit = trees()): VersionedBackend =>
  versioned({ tree: tenant.tree, content: over, ledger: through });

/** How many changes were committed. */
const commits = async (): Promise<number> =>
  (await ledger.sql("select 1 from bulkhead.outbox where tenant = $1", [tenant.uid])).length;

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (reason: unknown) => reason,
  );

/** A storage that meets faults; those that hang are cut off by the timeout around it. */
const faulty = (plan: Parameters<typeof perOperation>[0], hangs = false): Backend => {
  const ms = hangs ? 100 : 10_000;
  return stack(
    content,
    timeout({ answerMs: ms, progressMs: ms, silentMs: ms }),
    chaos({ schedule: perOperation(plan) }).layer,
  );
};

/**
 * The change happened once or not at all, and says so; and doing it again makes it stand, once.
 */
const converges = async (
  { run, after, again }: Scenario,
  through: VersionedBackend,
  failure: unknown,
  was: number,
): Promise<boolean> => {
  const happened = (await commits()) - was;
  expect([0, 1]).toContain(happened);
  if (failure === undefined) expect(happened).toBe(1);
  expect(await places(sound)).toEqual(happened === 1 ? after : before);
  await intact(ledger, tenant);
  if (failure !== undefined) {
    const repeated = await failureOf(run(through, request()));
    if (happened === 1 && again !== undefined) expect(repeated).toMatchObject({ code: again });
    else expect(repeated).toBeUndefined();
    const repeats = happened === 1 && again === undefined ? 2 : 1;
    expect((await commits()) - was).toBe(repeats);
    expect(await places(sound)).toEqual(after);
  }
  await collectedWhole(ledger, tenant, content);
  return happened === 1;
};

const isLarge = ({ calls }: Scenario): boolean => calls.includes("openBlob");

describe("every fault of the content storage", () => {
  /** What a fault while content is stored leads to: `done`, `error`, or `refused`: stored, and never sent. */
  const outcomes: Readonly<Record<Fault, "done" | "error" | "refused">> = {
    latency: "done",
    "unavailable-before": "error",
    "unavailable-commit": "error",
    "unavailable-after": "error",
    "reset-before": "error",
    "reset-after": "error",
    "hang-before": "error",
    "hang-after": "error",
    "short-read": "error",
    "torn-write": "error",
    "wrong-etag": "done",
    "bit-flip": "refused",
    "disk-full": "error",
  };
  const writes = scenarios
    .filter(isLarge)
    .flatMap((scenario) =>
      faultsOf.write.map((fault) => ({ scenario, fault, outcome: outcomes[fault] })),
    );
  test.each(writes)("$fault in $scenario.name: $outcome", async ({ scenario, fault, outcome }) => {
    const backend = open(faulty({ write: [fault] }, fault.startsWith("hang")));
    const was = await commits();
    const failure = await failureOf(scenario.run(backend, request()));
    if (outcome === "refused") {
      expect(failure).toBeUndefined();
      const path = scenario.again === undefined ? "g" : "n/c";
      await expect(bytesAt(backend, path)).rejects.toMatchObject({ code: "internal" });
      const store = { store: tenant.tree.content, content, ledger: ledger.ledger.trees };
      expect((await scrub(request(), store)).damaged).toMatchObject([{ fault: "changed" }]);
      // What was sent is sent again, and is there.
      await put(backend, path, large(4));
      expect(await places(sound)).toEqual(scenario.after);
      await intact(ledger, tenant);
      return;
    }
    if (outcome === "done") expect(failure).toBeUndefined();
    else
      expect(failure).toMatchObject({
        code: fault.startsWith("hang") ? "timeout" : "unavailable",
        retry: "safe",
      });
    expect(await converges(scenario, backend, failure, was)).toBe(outcome === "done");
  });

  test.each(faultsOf.read)("%s in a read: the content, or a clean error", async (fault) => {
    const backend = open(faulty({ read: [fault] }, fault.startsWith("hang")));
    const failure = await failureOf(bytesAt(backend, "f"));
    if (fault === "latency" || fault === "wrong-etag") expect(failure).toBeUndefined();
    else if (fault === "short-read" || fault === "bit-flip")
      expect(failure).toMatchObject({ code: "internal" });
    else
      expect(failure).toMatchObject({
        code: fault.startsWith("hang") ? "timeout" : "unavailable",
        retry: "safe",
      });
    expect(Buffer.compare(await bytesAt(backend, "f"), large(2))).toBe(0);
  });

  test.each(scenarios.filter((one) => !isLarge(one)))(
    "$name asks it for nothing",
    async (scenario) => {
      const faults = chaos({ schedule: () => "unavailable-before" });
      const was = await commits();
      const backend = open(faults.layer(content));
      expect(await failureOf(scenario.run(backend, request()))).toBeUndefined();
      expect(faults.calls()).toBe(0);
      await converges(scenario, backend, undefined, was);
    },
  );

  const removals = faultsOf.remove.filter((fault) => !fault.startsWith("hang"));
  test.each(removals)("%s while a refused write is tidied up hides no refusal", async (fault) => {
    const backend = open(faulty({ remove: [fault] }));
    const failure = await failureOf(put(backend, "d", large(4)));
    expect(failure).toMatchObject({ code: "is-directory" });
    const late = async function* (): AsyncGenerator<Uint8Array> {
      yield large(4);
      // Somebody else is first.
      await put(sound, "n", "first");
    };
    const body = { size: undefined, replayable: false, open: late };
    const lost = await failureOf(backend.write(request(), at("n"), body, { mode: "create" }));
    expect(lost).toMatchObject({ code: "already-exists" });
    await collectedWhole(ledger, tenant, content);
  });

  const collecting = [
    ...removals.map((fault) => ["remove", fault] as const),
    ...faultsOf.list
      .filter((fault) => !fault.startsWith("hang"))
      .map((fault) => ["list", fault] as const),
  ];
  test.each(collecting)(
    "%s meets %s in a collection: goes on next time",
    async (operation, fault) => {
      await put(sound, "f", "small now");
      await ledger.ledger.trees.prune(tenant.tree, 1e12, 1);
      const store = { store: tenant.tree.content, ledger: ledger.ledger.trees };
      const ctx = request({ now: Date.now() + 1000 });
      const failure = await failureOf(
        collect(ctx, { ...store, content: faulty({ [operation]: [fault] }) }, { graceMs: 0 }),
      );
      if (fault === "latency" || fault === "wrong-etag") expect(failure).toBeUndefined();
      else expect(failure).toMatchObject({ code: "unavailable", retry: "safe" });
      await intact(ledger, tenant);
      await collectedWhole(ledger, tenant, content);
      expect(await places(sound)).toEqual({ ...before, f: "small now" });
    },
  );
});

describe("every fault of the ledger", () => {
  const faults = ["late", "before", "after"] as const satisfies readonly LedgerFault[];

  // What is one call fails before and after it below.
  const cases = scenarios.flatMap((scenario) =>
    scenario.calls.flatMap((call) =>
      (isLarge(scenario) ? faults : (["late"] as const)).map((fault) => ({
        scenario,
        call,
        fault,
      })),
    ),
  );
  test.each(cases)("$fault in $call of $scenario.name", async ({ scenario, call, fault }) => {
    let armed = true;
    const through = chaoticLedger(trees(), (made) => {
      if (made !== call || !armed) return undefined;
      armed = false;
      return fault;
    });
    const backend = open(content, through);
    const was = await commits();
    const failure = await failureOf(scenario.run(backend, request()));
    expect(armed).toBe(false);
    if (fault === "late") expect(failure).toBeUndefined();
    else expect(failure).toMatchObject({ code: "unavailable", retry: "safe" });
    const happened = fault === "late" || (fault === "after" && call !== "openBlob");
    expect(await converges(scenario, backend, failure, was)).toBe(happened);
  });

  const looks: readonly (readonly [
    "stat" | "read" | "list" | "versions",
    (backend: VersionedBackend) => Promise<unknown>,
  ])[] = [
    ["stat", (backend) => backend.stat(request(), at("f"))],
    ["read", (backend) => bytesAt(backend, "f")],
    ["list", (backend) => backend.list(request(), at(""))],
    ["versions", (backend) => backend.versions(request(), at("f"))],
  ];
  const asking = looks.flatMap(([call, run]) => faults.map((fault) => ({ call, run, fault })));
  test.each(asking)(
    "$fault in $call: the answer, or a clean error",
    async ({ call, run, fault }) => {
      let left = 1;
      const through = chaoticLedger(trees(), (made) =>
        made === call && left-- > 0 ? fault : undefined,
      );
      const backend = open(content, through);
      const failure = await failureOf(run(backend));
      if (fault === "late") expect(failure).toBeUndefined();
      else expect(failure).toMatchObject({ code: "unavailable", retry: "safe" });
      expect(await run(backend)).toEqual(await run(sound));
    },
  );
});

describe("whichever call fails", () => {
  /** How it fails: untouched, with its answer lost, or untouched with all that follow, as when the process is cut off. */
  const ways = ["before", "after", "outage"] as const;
  const loops = scenarios.flatMap((scenario) =>
    ways.filter((way) => way !== "outage" || isLarge(scenario)).map((way) => ({ scenario, way })),
  );

  test.each(loops)(
    "$scenario.name is old or new, and everything holds ($way)",
    async ({ scenario, way }) => {
      let n = 0;
      for (let failed = true; failed; n++) {
        if (n > 20) throw new Error("The loop does not end.");
        if (n > 0) {
          tenant = await testTenant(ledger.ledger);
          content = memory();
          sound = tenant.open(content);
          await plant(sound);
        }
        failed = false;
        let left = n;
        let armed = true;
        const blown = (): boolean => {
          left -= 1;
          if (!armed || (way === "outage" ? left >= 0 : left !== -1)) return false;
          failed = true;
          return true;
        };
        const fault = way === "after" ? "after" : "before";
        const through = chaoticLedger(trees(), () => (blown() ? fault : undefined));
        const storage = chaos({
          schedule: () => (blown() ? `unavailable-${fault}` : undefined),
        }).layer(content);
        const backend = open(storage, through);
        const was = await commits();
        const failure = await failureOf(scenario.run(backend, request()));
        expect(failure === undefined).toBe(!failed);
        if (failure !== undefined)
          expect(failure).toMatchObject({ code: "unavailable", retry: "safe" });
        armed = false;
        await converges(scenario, backend, failure, was);
      }
      // Each of its calls has been the one, of a large one also the storing.
      expect(n).toBeGreaterThan(scenario.calls.length + (isLarge(scenario) ? 1 : 0));
    },
  );
});
