import {
  type Backend,
  FileError,
  type OpContext,
  parseBackendPath,
  parseVirtualPath,
  type Recovery,
} from "@bulkhead/contract";
import { local } from "@bulkhead/backend-local";
import { memory } from "@bulkhead/backend-memory";
import { tempDir, testDatabase, type TestDatabase, waitFor } from "@bulkhead/harness";
import { collect, override, overrideBackend, plainContext, stack, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import {
  type Chaos,
  chaos,
  type Fault,
  faultsOf,
  mechanics,
  perOperation,
} from "@bulkhead/resilience";
import {
  type Accounted,
  type Afterwork,
  afterwork,
  type Intents,
  recount,
  settle,
  sweep,
} from "@bulkhead/settle";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const path = parseBackendPath;
const plain = plainContext();

const read = async (backend: Backend, at: string): Promise<string> => {
  await using result = await backend.read(plain, path(at));
  return new TextDecoder().decode(await collect(result.content));
};
const stored = async (backend: Backend): Promise<Readonly<Record<string, string>>> => {
  const found: Record<string, string> = {};
  for (const { name, kind } of (await backend.list(plain, path(""))).entries)
    if (kind === "directory") found[`${name}/`] = "";
    else found[name] = await read(backend, name);
  return found;
};

interface Call {
  readonly run: (backend: Backend, ctx: OpContext) => Promise<unknown>;
  readonly after: Readonly<Record<string, string>>;
  /** What doing it again says where it was done already; undefined where it is simply done again. */
  readonly again: string | undefined;
}
const before = { f: "first", g: "second" };
const calls = {
  write: {
    run: (b, c) => b.write(c, path("f"), textBody("renewed")),
    after: { ...before, f: "renewed" },
    again: undefined,
  },
  mkdir: {
    run: (b, c) => b.mkdir(c, path("d")),
    after: { ...before, "d/": "" },
    again: "already-exists",
  },
  remove: {
    run: (b, c) => b.remove(c, path("f")),
    after: { g: "second" },
    again: "not-found",
  },
  copy: {
    run: (b, c) => b.copy(c, path("f"), path("h")),
    after: { ...before, h: "first" },
    again: "already-exists",
  },
  move: {
    run: (b, c) => b.move(c, path("f"), path("g"), { mode: "overwrite" }),
    after: { g: "first" },
    again: "not-found",
  },
} as const satisfies Record<string, Call>;
const operations = ["write", "mkdir", "remove", "copy", "move"] as const;

interface Witnessed {
  readonly backend: Backend;
  /** What took effect, by the ids that were told at the commit. */
  readonly done: ReadonlySet<string>;
  /** Answers by what was seen: the recovery of a storage that has none of its own and has not crashed. */
  readonly recovery: Recovery;
}

/** Sees below all faults what really took effect. */
const witness = (inner: Backend): Witnessed => {
  const done = new Set<string>();
  const seen =
    <A extends readonly unknown[], R>(call: (ctx: OpContext, ...args: A) => Promise<R>) =>
    async (ctx: OpContext, ...args: A): Promise<R> => {
      let staged = "";
      const commit: OpContext["commit"] = async (content) => {
        staged = content.id;
        await ctx.commit(content);
      };
      const result = await call({ ...ctx, commit }, ...args);
      done.add(staged);
      return result;
    };
  const { write, mkdir, remove, copy, move } = inner;
  return {
    done,
    backend: overrideBackend(
      inner,
      override(inner, {
        write: seen(write),
        mkdir: seen(mkdir),
        remove: seen(remove),
        copy: seen(copy),
        move: seen(move),
      }),
    ),
    recovery: {
      recover: async (_, { staged }) => (done.has(staged) ? "done" : "undone"),
      sweep: () => Promise.resolve(),
    },
  };
};

describe("faults, over a real ledger", () => {
  let database: TestDatabase;
  let ledger: Ledger;
  let tenant: string;
  let mount: string;
  let count = 0;

  beforeAll(async () => {
    database = await testDatabase({ migrate });
    ledger = await openLedger({ url: database.url, masterKeyFingerprint: "f".repeat(32) });
    await ledger.platformKeys.ensure({ env: "k".repeat(40) });
  });
  afterAll(async () => {
    await ledger.close();
    await database.close();
  });

  const context = async (action: string): Promise<OpContext> => {
    const { principal, revisions } = await ledger.authority.admit("k".repeat(40));
    return {
      ...plainContext(),
      settlement: {
        tenant: undefined,
        revisions: action === "tenant.create" ? [] : revisions,
        reserved: { bytes: 0, files: 0 },
        audit: {
          actor: "platform",
          key: principal.keyId,
          action,
          resource: "/x",
          requestId: "r",
          front: "test",
          detail: {},
        },
        idempotency: undefined,
      },
    };
  };
  beforeEach(async () => {
    count += 1;
    mount = `m${count}`;
    const record = await ledger.tenants.create((await context("tenant.create")).settlement, {
      id: `t${count}`,
      name: "t",
      root: parseVirtualPath(`/workspace/t${count}`),
      placement: "local",
      subdomain: undefined,
      allowedRegions: undefined,
      limits: {},
      settings: {},
    });
    tenant = record.uid;
  });

  const audited = async (): Promise<number> =>
    (await ledger.auditLog.list(tenant, { limit: 200 })).items.filter(
      (entry) => entry.result === "SUCCESS" && entry.action !== "tenant.create",
    ).length;
  const plant = async (backend: Backend): Promise<void> => {
    for (const [name, text] of Object.entries(before))
      await backend.write(plain, path(name), textBody(text));
  };
  const exact = (
    intents: Intents,
    work: Afterwork,
    recovery: Recovery,
    accounted: Accounted = ledger.accounted,
  ): ReturnType<typeof settle> =>
    settle({
      intents,
      afterwork: work,
      mount,
      tenant: () => tenant,
      fencing: undefined,
      recovery,
      charging: { accounted, forgets: false },
    });
  /** What is charged is what is there, file by file, and the tenant's counters are the sum of it. */
  const expectCharged = async (backend: Backend, more = { bytes: 0, files: 0 }): Promise<void> => {
    const { found, drift, differences } = await recount(plain, backend, ledger.accounted, mount);
    expect(differences).toEqual([]);
    expect(drift).toEqual({ bytes: 0, files: 0 });
    const usage = await ledger.accounted.usage(tenant);
    expect(usage?.counted).toEqual({
      bytes: found.bytes + more.bytes,
      files: found.files + more.files,
    });
    expect(usage?.charged).toEqual(usage?.counted);
  };

  /**
   * What a fault that comes once leads to: `done` as if there had been none, `error` where it is not known whether, or
   * `lied` where the storage promised no better (it keeps no digest). `local` says itself on which side it ended, so
   * that what did not happen is tried again.
   */
  const outcomes: Readonly<
    Record<Fault, Readonly<Record<"memory" | "local", "done" | "error" | "lied">>>
  > = {
    latency: { memory: "done", local: "done" },
    "unavailable-before": { memory: "done", local: "done" },
    "unavailable-commit": { memory: "error", local: "done" },
    "unavailable-after": { memory: "error", local: "error" },
    "reset-before": { memory: "done", local: "done" },
    "reset-after": { memory: "error", local: "error" },
    "hang-before": { memory: "done", local: "done" },
    "hang-after": { memory: "error", local: "error" },
    "short-read": { memory: "done", local: "done" },
    "torn-write": { memory: "done", local: "done" },
    "wrong-etag": { memory: "lied", local: "lied" },
    "bit-flip": { memory: "lied", local: "lied" },
    "disk-full": { memory: "done", local: "done" },
  };
  const cases = (["memory", "local"] as const).flatMap((storage) =>
    operations.flatMap((operation) =>
      faultsOf[operation].map((fault) => ({
        storage,
        operation,
        fault,
        outcome: outcomes[fault][storage],
      })),
    ),
  );

  it.each(cases)(
    "$fault in $operation on $storage: $outcome, and audited as often as done",
    async ({ storage, operation, fault, outcome }) => {
      await using dir = await tempDir();
      const disk =
        storage === "local" ? await local({ root: dir.path, durability: "relaxed" }) : undefined;
      const inner = disk ?? memory();
      await plant(inner);
      const { backend: seen, done, recovery: witnessed } = witness(inner);
      const faults: Chaos = chaos({ schedule: perOperation({ [operation]: [fault] }) });
      const work = afterwork(ledger.intents);
      // Short only where it has to come: a busy machine is no hanging storage.
      const ms = fault.startsWith("hang") ? 250 : 10_000;
      const places = mechanics({
        settle: exact(ledger.intents, work, disk ?? witnessed),
        retry: { minDelayMs: 1, ...(disk && { recovery: disk }) },
        timeout: { answerMs: ms, progressMs: ms, silentMs: ms },
      });
      const backend = stack(seen, ...places.map(({ layer }) => layer), faults.layer);
      const { run, after, again } = calls[operation];

      const error: unknown = await run(backend, await context(operation)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(faults.injected).toHaveLength(1);
      await waitFor(async () => (await ledger.intents.pending(mount)).length === 0);
      expect(await audited()).toBe(done.size);
      if (outcome === "error") {
        expect(error).toBeInstanceOf(FileError);
        const code = fault === "hang-after" ? "timeout" : "unavailable";
        expect(error).toMatchObject({ code, retry: "safe" });
        const happened = fault !== "unavailable-commit";
        expect(done.size).toBe(happened ? 1 : 0);
        expect(await stored(inner)).toEqual(happened ? after : before);
        await expectCharged(inner);
        const repeated = run(backend, await context(operation));
        if (happened && again !== undefined)
          await expect(repeated).rejects.toMatchObject({ code: again });
        else await repeated;
        expect(await stored(inner)).toEqual(after);
        await waitFor(async () => (await ledger.intents.pending(mount)).length === 0);
        expect(await audited()).toBe(done.size);
      } else {
        expect(error).toBeUndefined();
        expect(done.size).toBe(1);
        if (fault === "bit-flip") expect(await read(inner, "f")).not.toBe("renewed");
        else expect(await stored(inner)).toEqual(after);
      }
      await expectCharged(inner);
      await work.close();
      await inner.close();
    },
  );

  /**
   * How the nth call fails: untouched, with its commit granted, with its answer lost, or untouched together with all that
   * follow, so that only the sweeper is left.
   */
  const ways = ["before", "commit", "after", "outage"] as const;
  const loops = operations.flatMap((operation) => ways.map((way) => ({ operation, way })));

  it.each(loops)(
    "whichever call of a $operation fails ($way), all is old or new, settled and audited",
    async ({ operation, way }) => {
      const { run, after, again } = calls[operation];
      const own = mount;
      let effects = 0;
      let n = 0;
      let failed = true;
      let others = { bytes: 0, files: 0 };
      for (; failed; n++) {
        if (n > 20) throw new Error("The loop does not end.");
        mount = `${own}-${n}`;
        failed = false;
        let left = n;
        let armed = true;
        const blown = (): boolean => {
          left -= 1;
          if (!armed || (way === "outage" ? left >= 0 : left !== -1)) return false;
          failed = true;
          return true;
        };
        const lost = (): FileError => new FileError("unavailable", "No answer.");
        // The first count is begun with the stack, and again with the first change.
        let counted = true;
        const counting = async <R>(next: () => Promise<R>): Promise<R> => {
          if (left === 0) counted = false;
          return call(next);
        };
        const call = async <R>(next: () => Promise<R>): Promise<R> => {
          if (!blown()) return next();
          if (way === "commit" || way === "after") await next();
          throw lost();
        };
        const accounted: Accounted = {
          ...ledger.accounted,
          open: (...args) => counting(() => ledger.accounted.open(...args)),
          set: (...args) => counting(() => ledger.accounted.set(...args)),
          counted: (...args) => counting(() => ledger.accounted.counted(...args)),
        };
        const intents: Intents = {
          late: (...args) => {
            const late = ledger.intents.late(...args);
            return late && { ...late, grant: (...granted) => call(() => late.grant(...granted)) };
          },
          begin: (settlement, intent) => call(() => ledger.intents.begin(settlement, intent)),
          commit: (settlement, id, staged) =>
            call(() => ledger.intents.commit(settlement, id, staged)),
          settle: (...args) => call(() => ledger.intents.settle(...args)),
          discard: (id) => call(() => ledger.intents.discard(id)),
          renew: (ids) => ledger.intents.renew(ids),
          pending: (at) => ledger.intents.pending(at),
        };
        const inner = memory();
        await plant(inner);
        const { backend: seen, done, recovery } = witness(inner);
        const fault: Fault = way === "outage" ? "unavailable-before" : `unavailable-${way}`;
        const faults = chaos({
          schedule: ({ operation: asked }) => {
            if (left === 0 && asked === "list") counted = false;
            return blown() ? fault : undefined;
          },
        });
        const work = afterwork(intents);
        const backend = stack(seen, exact(intents, work, recovery, accounted), faults.layer);

        const error: unknown = await run(backend, await context(operation)).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (error !== undefined)
          expect(error).toMatchObject({ code: "unavailable", retry: "safe" });
        if (counted || way === "outage") expect(error === undefined).toBe(!failed);
        await work.close(way === "outage" ? 50 : 5000);
        // From here on as another process, which knows nothing of what was left to do.
        armed = false;
        const charging = { accounted: ledger.accounted, backend: seen };
        await sweep(plain, ledger.intents, mount, recovery, charging);
        expect(await ledger.intents.pending(mount)).toEqual([]);
        const happened = done.size === 1;
        if (error === undefined) expect(happened).toBe(true);
        expect(await stored(inner)).toEqual(happened ? after : before);
        expect(await audited()).toBe(effects + done.size);

        const next = afterwork(ledger.intents);
        const anew = stack(seen, exact(ledger.intents, next, recovery));
        const repeated = run(anew, await context(operation));
        if (happened && again !== undefined)
          await expect(repeated).rejects.toMatchObject({ code: again });
        else await repeated;
        await next.close();
        await sweep(plain, ledger.intents, mount, recovery, charging);
        expect(await ledger.intents.pending(mount)).toEqual([]);
        expect(await stored(inner)).toEqual(after);
        effects += done.size;
        expect(await audited()).toBe(effects);
        await expectCharged(inner, others);
        others = (await ledger.accounted.usage(tenant))?.counted ?? others;
      }
      // begin, the storage, commit and settle: each has been the one.
      expect(n).toBeGreaterThanOrEqual(5);
    },
  );
});
