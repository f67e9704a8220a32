import {
  type Backend,
  FileError,
  isFileError,
  type OpContext,
  parseBackendPath,
  parseVirtualPath,
} from "@bulkhead/contract";
import { local } from "@bulkhead/backend-local";
import { memory } from "@bulkhead/backend-memory";
import { tempDir, testDatabase, type TestDatabase, waitFor } from "@bulkhead/harness";
import { overrideBackend, plainContext, stack, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import { chaos, perOperation } from "@bulkhead/resilience";
import { type Afterwork, afterwork, type Intents, recount, settle, sweep } from "@bulkhead/settle";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const path = parseBackendPath;
const plain = plainContext();
const rounds = Number(process.env["BULKHEAD_CHARGING_ROUNDS"] ?? 30);

describe("charging of plain storage, over a real ledger", () => {
  let database: TestDatabase;
  let ledger: Ledger;
  let work: Afterwork;
  let tenant: string;
  let mount: string;
  let count = 0;

  beforeAll(async () => {
    database = await testDatabase({ migrate });
    ledger = await openLedger({ url: database.url, masterKeyFingerprint: "f".repeat(32) });
    work = afterwork(ledger.intents);
  });
  afterAll(async () => {
    await work.close();
    await ledger.close();
    await database.close();
  });
  const tenantOf = async (id: string): Promise<string> => {
    const { uid } = await ledger.tenants.create(plain.settlement, {
      id,
      name: id,
      root: parseVirtualPath(`/workspace/${id}`),
      placement: "local",
      subdomain: undefined,
      allowedRegions: undefined,
      limits: {},
      settings: {},
    });
    return uid;
  };
  beforeEach(async () => {
    count += 1;
    mount = `m${count}`;
    tenant = await tenantOf(`t${count}`);
  });

  interface Options {
    readonly intents?: Intents;
    readonly forgets?: boolean;
    readonly tenant?: () => string | undefined;
  }
  const charged = (inner: Backend, options: Options = {}): Backend =>
    stack(
      inner,
      settle({
        intents: options.intents ?? ledger.intents,
        afterwork: work,
        mount,
        tenant: options.tenant ?? (() => tenant),
        fencing: undefined,
        recovery: undefined,
        charging: { accounted: ledger.accounted, forgets: options.forgets ?? false },
      }),
    );
  const fresh = (): OpContext => plainContext();
  const usageOf = async (uid: string | undefined): Promise<unknown> =>
    (await ledger.accounted.usage(uid))?.counted;
  const usage = (): Promise<unknown> => usageOf(tenant);
  const expectExact = async (backend: Backend): Promise<void> => {
    const { found, drift, differences } = await recount(plain, backend, ledger.accounted, mount);
    expect(differences).toEqual([]);
    expect(drift).toEqual({ bytes: 0, files: 0 });
    expect(await ledger.accounted.usage(tenant)).toEqual({ counted: found, charged: found });
    expect(await ledger.intents.pending(mount)).toEqual([]);
  };

  it("charges what each operation leaves, and nothing of names that only begin alike", async () => {
    const inner = memory();
    const backend = charged(inner);
    const steps: readonly (readonly [() => Promise<unknown>, number, number])[] = [
      [() => backend.write(fresh(), path("a/x"), textBody("12345")), 5, 1],
      [() => backend.write(fresh(), path("a/y/z"), textBody("123")), 8, 2],
      [() => backend.write(fresh(), path("a b"), textBody("1")), 9, 3],
      [() => backend.write(fresh(), path("a0"), textBody("1")), 10, 4],
      [() => backend.write(fresh(), path("a."), textBody("1")), 11, 5],
      [() => backend.write(fresh(), path("a/x"), textBody("12")), 8, 5],
      [() => backend.mkdir(fresh(), path("empty")), 8, 5],
      [() => backend.copy(fresh(), path("a"), path("c")), 13, 7],
      [() => backend.copy(fresh(), path("a/x"), path("a0"), { mode: "overwrite" }), 14, 7],
      [() => backend.move(fresh(), path("a"), path("d/e")), 14, 7],
      [() => backend.move(fresh(), path("d/e/x"), path("c/x"), { mode: "overwrite" }), 12, 6],
      [() => backend.remove(fresh(), path("c"), { recursive: true }), 7, 4],
      [() => backend.remove(fresh(), path("a0")), 5, 3],
      [() => backend.remove(fresh(), path(""), { recursive: true }), 0, 0],
    ];
    for (const [step, bytes, files] of steps) {
      await step();
      expect(await usage()).toEqual({ bytes, files });
      await expectExact(inner);
    }
  });

  it("is exact whatever the order in which changes of the same paths are settled", async () => {
    await using dir = await tempDir();
    const inner = await local({ root: dir.path, durability: "relaxed" });
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed % below;
    };
    const late: Intents = {
      ...ledger.intents,
      settle: async (...args) => {
        await new Promise((resolve) => setTimeout(resolve, random(25)));
        return ledger.intents.settle(...args);
      },
    };
    const backend = charged(inner, { intents: late });
    const names = ["a", "b", "a/x", "a/y", "b/x", "b/y", "a/d", "a/d/x", "b/d/x", "b/d"];
    const any = (): ReturnType<typeof path> => path(names[random(names.length)] ?? "a");
    let done = 0;
    const change = async (): Promise<void> => {
      const body = textBody("x".repeat(random(40)));
      const changes = [
        () => backend.write(fresh(), any(), body),
        () => backend.write(fresh(), any(), body),
        () => backend.write(fresh(), path("a/x"), body),
        () => backend.copy(fresh(), any(), any(), { mode: "overwrite" }),
        () => backend.copy(fresh(), any(), any()),
        () => backend.move(fresh(), any(), any(), { mode: "overwrite" }),
        () => backend.move(fresh(), any(), any()),
        () => backend.remove(fresh(), any(), { recursive: true }),
      ];
      try {
        await changes[random(changes.length)]?.();
        done += 1;
      } catch (error) {
        if (!isFileError(error) || error.code === "unavailable" || error.code === "internal")
          throw error;
      }
    };
    for (let round = 0; round < rounds; round++) {
      await Promise.all(Array.from({ length: 8 }, change));
      const { differences } = await recount(plain, inner, ledger.accounted, mount);
      expect([round, differences]).toEqual([round, []]);
    }
    expect(done).toBeGreaterThan(rounds * 2);
    await waitFor(async () => (await ledger.intents.pending(mount)).length === 0);
    await expectExact(inner);
    await inner.close();
  });

  it("looks at the storage where an answer was lost, also while others change the same", async () => {
    for (const fault of ["unavailable-after", "unavailable-commit", "reset-after"] as const) {
      const inner = memory();
      let said: "done" | "undone" = "undone";
      const faults = chaos({ schedule: perOperation({ copy: [fault] }) });
      const backend = stack(
        inner,
        settle({
          intents: ledger.intents,
          afterwork: work,
          mount: (mount = `m${++count}`),
          tenant: () => tenant,
          fencing: undefined,
          recovery: { recover: async () => said, sweep: () => Promise.resolve() },
          charging: { accounted: ledger.accounted, forgets: false },
        }),
        faults.layer,
      );
      await backend.write(fresh(), path("a/x"), textBody("123"));
      await backend.write(fresh(), path("a/y"), textBody("1"));
      said = fault === "unavailable-commit" ? "undone" : "done";
      const [copied, written] = await Promise.allSettled([
        backend.copy(fresh(), path("a"), path("b")),
        backend.write(fresh(), path("a/x"), textBody("12345")),
      ]);
      expect(faults.injected).toHaveLength(1);
      expect(written.status).toBe("fulfilled");
      expect(copied).toMatchObject({ reason: { code: "unavailable" } });
      await waitFor(async () => (await ledger.intents.pending(mount)).length === 0);
      const { differences } = await recount(plain, inner, ledger.accounted, mount);
      expect(differences).toEqual([]);
    }
    const sums = await ledger.accounted.usage(tenant);
    expect(sums?.counted).toEqual(sums?.charged);
  });

  it("asks a storage again that could not say what happened, and keeps the order meanwhile", async () => {
    const inner = memory();
    let asked = 0;
    let broken = true;
    const breaks = overrideBackend(inner, {
      move: async (...args) => {
        const moved = await inner.move(...args);
        if (broken) throw new FileError("unavailable", "The answer was lost.");
        return moved;
      },
    });
    const backend = stack(
      breaks,
      settle({
        intents: ledger.intents,
        afterwork: work,
        mount,
        tenant: () => tenant,
        fencing: undefined,
        recovery: {
          recover: async () => {
            asked += 1;
            if (asked < 3) throw new FileError("unavailable", "It does not say yet.");
            return "done";
          },
          sweep: () => Promise.resolve(),
        },
        charging: { accounted: ledger.accounted, forgets: false },
      }),
    );
    await backend.write(fresh(), path("a"), textBody("12345"));
    await expect(backend.move(fresh(), path("a"), path("b"))).rejects.toMatchObject({
      detail: "The answer was lost.",
    });
    // What is asked late sees what came after, and what came after must not build on that.
    broken = false;
    await backend.move(fresh(), path("b"), path("c/d"));
    expect(asked).toBe(3);
    expect(await usage()).toEqual({ bytes: 5, files: 1 });
    await expectExact(inner);
  });

  it("charges a directory's copy by what was copied, whatever happened to its source meanwhile", async () => {
    const inner = memory();
    const unseen = plainContext();
    const gate = Promise.withResolvers<void>();
    const slow = overrideBackend(inner, {
      copy: async (ctx, from, to) => {
        const copied = await inner.copy(unseen, from, path("stage"));
        await gate.promise;
        await ctx.commit({ id: "stage", size: 0 });
        await inner.move(unseen, path("stage"), to);
        return copied;
      },
    });
    const backend = charged(slow);
    await backend.write(fresh(), path("a/x"), textBody("12345"));
    const copying = backend.copy(fresh(), path("a"), path("b"));
    await waitFor(async () => (await ledger.intents.pending(mount)).length === 1);
    // The same number of files and bytes, elsewhere.
    await backend.move(fresh(), path("a/x"), path("a/y"));
    gate.resolve();
    await copying;
    expect(await usage()).toEqual({ bytes: 10, files: 2 });
    await expectExact(inner);
  });

  it("counts what lay there before anybody charged it, in batches, before the first change", async () => {
    const inner = memory();
    for (let i = 0; i < 2100; i++)
      await inner.write(plain, path(`d${i % 7}/f${i}`), textBody("12"));
    const before = await recount(plain, inner, ledger.accounted, mount);
    expect(before.drift).toEqual({ bytes: 4200, files: 2100 });
    expect(before.differences).toHaveLength(1000);
    expect(before.differences[0]).toEqual({ path: "d0/f0", found: 2, charged: undefined });
    const backend = charged(inner);
    await backend.remove(fresh(), path("d3"), { recursive: true });
    expect(await usage()).toEqual({ bytes: 3600, files: 1800 });
    await expectExact(inner);
    // Once: another opening asks the ledger and not the storage.
    const again = overrideBackend(inner, { list: () => Promise.reject(new Error("not again")) });
    await charged(again).write(fresh(), path("more"), textBody("1"));
    expect(await usage()).toEqual({ bytes: 3601, files: 1801 });
  }, 30_000);

  it("takes what a tenant was charged off it when the ground becomes another's", async () => {
    const inner = memory();
    let owner: string | undefined;
    const backend = charged(inner, { tenant: () => owner });
    const platform = await ledger.accounted.usage(undefined);
    await backend.write(fresh(), path("a"), textBody("123"));
    expect(await usageOf(undefined)).toEqual({
      bytes: (platform?.counted.bytes ?? 0) + 3,
      files: (platform?.counted.files ?? 0) + 1,
    });
    owner = tenant;
    await backend.write(fresh(), path("b"), textBody("1"));
    expect(await usage()).toEqual({ bytes: 4, files: 2 });
    expect(await usageOf(undefined)).toEqual(platform?.counted);
    owner = await tenantOf(`next${count}`);
    await backend.remove(fresh(), path("a"));
    expect(await usage()).toEqual({ bytes: 0, files: 0 });
    expect(await usageOf(owner)).toEqual({ bytes: 1, files: 1 });
    owner = tenant;
    await backend.write(fresh(), path("b"), textBody("12"));
    expect(await usage()).toEqual({ bytes: 2, files: 1 });
  });

  it("charges nothing any more of what a storage forgot, and what a crash left once it is swept", async () => {
    const first = charged(memory(), { forgets: true });
    await first.write(fresh(), path("a"), textBody("123"));
    const second = charged(memory(), { forgets: true });
    await second.write(fresh(), path("b"), textBody("1"));
    expect(await usage()).toEqual({ bytes: 1, files: 1 });

    const inner = memory();
    mount = "crashed";
    const dead: Intents = { ...ledger.intents, settle: () => new Promise(() => undefined) };
    void charged(inner, { intents: dead })
      .write(fresh(), path("a"), textBody("12345"))
      .catch(() => undefined);
    await waitFor(async () => (await ledger.intents.pending(mount))[0]?.state === "committing");
    await waitFor(async () =>
      inner.stat(plain, path("a")).then(
        () => true,
        () => false,
      ),
    );
    expect(await usage()).toEqual({ bytes: 1, files: 1 });
    const recovery = {
      recover: () => Promise.resolve("done" as const),
      sweep: () => Promise.resolve(),
    };
    const charging = { accounted: ledger.accounted, backend: inner };
    expect(await sweep(plain, ledger.intents, mount, recovery, charging)).toBe(1);
    expect(await usage()).toEqual({ bytes: 6, files: 2 });
  });

  it("finds what another program changed", async () => {
    const inner = memory();
    const backend = charged(inner);
    for (const name of ["a", "b", "c/d"]) await backend.write(fresh(), path(name), textBody("123"));
    await inner.remove(plain, path("b"));
    await inner.write(plain, path("a"), textBody("1"));
    await inner.write(plain, path("c/e"), textBody("12"));
    expect(await recount(plain, backend, ledger.accounted, mount)).toEqual({
      found: { bytes: 6, files: 3 },
      drift: { bytes: -3, files: 0 },
      differences: [
        { path: "a", found: 1, charged: 3 },
        { path: "b", found: undefined, charged: 3 },
        { path: "c/e", found: 2, charged: undefined },
      ],
    });
  });
});
