import {
  type Backend,
  FileError,
  type Interrupted,
  type OpContext,
  parseBackendPath,
  parseVirtualPath,
  type Recovery,
  type Revision,
} from "@bulkhead/contract";
import { local } from "@bulkhead/backend-local";
import { memory } from "@bulkhead/backend-memory";
import { tempDir, testDatabase, type TestDatabase, waitFor } from "@bulkhead/harness";
import { collect, overrideBackend, plainContext, stack, streamBody, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Afterwork, afterwork, type Intents, settle, sweep } from "@bulkhead/settle";

const path = parseBackendPath;

describe("settle, over a real ledger", () => {
  let database: TestDatabase;
  let ledger: Ledger;
  let after: Afterwork;
  let tenant: string;
  let mount: string;
  let count = 0;

  beforeAll(async () => {
    database = await testDatabase({ migrate });
    ledger = await openLedger({ url: database.url, masterKeyFingerprint: "f".repeat(32) });
    await ledger.platformKeys.ensure({ env: "k".repeat(40) });
    after = afterwork(ledger.intents);
  });
  afterAll(async () => {
    await after.close();
    await ledger.close();
    await database.close();
  });
  beforeEach(async () => {
    count += 1;
    mount = `m${count}`;
    const { principal } = await ledger.authority.admit("k".repeat(40));
    const record = await ledger.tenants.create(draft(principal.keyId, "tenant.create").settlement, {
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

  const draft = (key: string, action: string, revisions: readonly Revision[] = []): OpContext => ({
    ...plainContext(),
    settlement: {
      tenant: undefined,
      revisions,
      reserved: { bytes: 0, files: 0 },
      audit: {
        actor: "platform",
        key,
        action,
        resource: "/x",
        requestId: "r",
        front: "test",
        detail: {},
      },
      idempotency: undefined,
    },
  });
  const fresh = async (action: string): Promise<OpContext> => {
    const { principal, revisions } = await ledger.authority.admit("k".repeat(40));
    return draft(principal.keyId, action, revisions);
  };
  const settled = (
    backend: Backend,
    intents: Intents = ledger.intents,
    recovery?: Recovery,
  ): Backend =>
    stack(
      backend,
      settle({
        intents,
        afterwork: after,
        mount,
        tenant: () => tenant,
        fencing: undefined,
        recovery,
      }),
    );
  const successes = async (): Promise<readonly string[]> =>
    (await ledger.auditLog.list(tenant, {})).items
      .filter((entry) => entry.result === "SUCCESS" && entry.action !== "tenant.create")
      .map((entry) => entry.action);

  it("writes the row before the effect, and one audit entry with it", async () => {
    const seen: string[] = [];
    const inner = memory();
    const backend = settled(
      overrideBackend(inner, {
        write: async (ctx, at, body, options) => {
          seen.push(
            ...(await ledger.intents.pending(mount)).map(
              (intent) => `${intent.operation} ${intent.state}`,
            ),
          );
          return inner.write(
            {
              ...ctx,
              commit: async (staged) => {
                await ctx.commit(staged);
                seen.push(...(await ledger.intents.pending(mount)).map((intent) => intent.state));
              },
            },
            at,
            body,
            options,
          );
        },
      }),
    );
    await backend.write(await fresh("write"), path("a"), textBody("one"));
    expect(seen).toEqual(["write open", "committing"]);
    expect(await ledger.intents.pending(mount)).toEqual([]);
    expect(await successes()).toEqual(["write"]);
  });

  it("settles every mutation once and leaves no row", async () => {
    const backend = settled(memory());
    await backend.mkdir(await fresh("mkdir"), path("d"));
    await backend.write(await fresh("write"), path("d/a"), textBody("one"));
    await backend.copy(await fresh("copy"), path("d/a"), path("b"));
    await backend.move(await fresh("move"), path("b"), path("c"));
    await backend.remove(await fresh("remove"), path("d"), { recursive: true });
    expect(await successes()).toEqual(["remove", "move", "copy", "write", "mkdir"]);
    expect(await ledger.intents.pending(mount)).toEqual([]);
  });

  it("decides again when a revision moved, and lets a refusal win before anything is visible", async () => {
    const backend = settled(memory());
    const stale = await fresh("write");
    let asked = 0;
    await ledger.tenants.suspend((await fresh("tenant.suspend")).settlement, tenant, undefined);
    await ledger.tenants.reactivate((await fresh("tenant.reactivate")).settlement, tenant);
    const again: OpContext = {
      ...stale,
      commit: async () => {
        asked += 1;
        stale.settlement.revisions = (await ledger.authority.admit("k".repeat(40))).revisions;
      },
    };
    await backend.write({ ...again, settlement: stale.settlement }, path("a"), textBody("one"));
    expect(asked).toBe(1);

    const refused = await fresh("write");
    await ledger.tenants.suspend((await fresh("tenant.suspend")).settlement, tenant, undefined);
    const refusal = new FileError("tenant-suspended", "Suspended.");
    await expect(
      backend.write(
        { ...refused, commit: () => Promise.reject(refusal) },
        path("b"),
        textBody("two"),
      ),
    ).rejects.toBe(refusal);
    await expect(backend.stat(plainContext(), path("b"))).rejects.toMatchObject({
      code: "not-found",
    });
    await waitFor(async () => (await ledger.intents.pending(mount)).length === 0);
    await ledger.tenants.reactivate((await fresh("tenant.reactivate")).settlement, tenant);
  });

  it("gives up with a conflict when the rules never stand still", async () => {
    const backend = settled(memory());
    const stale = await fresh("write");
    await ledger.tenants.suspend((await fresh("tenant.suspend")).settlement, tenant, undefined);
    await expect(backend.write(stale, path("a"), textBody("one"))).rejects.toMatchObject({
      code: "conflict",
    });
    await expect(backend.stat(plainContext(), path("a"))).rejects.toMatchObject({
      code: "not-found",
    });
    await ledger.tenants.reactivate((await fresh("tenant.reactivate")).settlement, tenant);
  });

  it("removes the row of a body that fails, and keeps the old content", async () => {
    const backend = settled(memory());
    await backend.write(await fresh("write"), path("a"), textBody("old"));
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3);
      throw new Error("the client is gone");
    };
    await expect(
      backend.write(await fresh("write"), path("a"), streamBody(broken())),
    ).rejects.toThrow("the client is gone");
    await waitFor(async () => (await ledger.intents.pending(mount)).length === 0);
    await using result = await backend.read(plainContext(), path("a"));
    expect(await collect(result.content)).toEqual(new TextEncoder().encode("old"));
    expect(await successes()).toEqual(["write"]);
  });

  it("asks the storage on which side a half-done effect ended", async () => {
    const asked: Interrupted[] = [];
    const inner = memory();
    const breaks = overrideBackend(inner, {
      write: async (ctx, at, body, options) => {
        await inner.write(ctx, at, body, options);
        throw new FileError("unavailable", "The disk went away after the rename.");
      },
    });
    for (const side of ["done", "undone"] as const) {
      const recovery: Recovery = {
        recover: async (_, interrupted) => {
          asked.push(interrupted);
          return side;
        },
        sweep: () => Promise.resolve(),
      };
      await expect(
        settled(breaks, ledger.intents, recovery).write(
          await fresh("write"),
          path("a"),
          textBody("x"),
        ),
      ).rejects.toMatchObject({ code: "unavailable" });
      await waitFor(async () => (await ledger.intents.pending(mount)).length === 0);
    }
    expect(asked).toMatchObject([
      { operation: "write", paths: ["a"] },
      { operation: "write", paths: ["a"] },
    ]);
    expect(await successes()).toEqual(["write"]);
  });

  it("goes on trying to settle when the ledger did not answer", async () => {
    let failures = 2;
    const flaky: Intents = {
      ...ledger.intents,
      settle: (...args) => {
        failures -= 1;
        return failures >= 0
          ? Promise.reject(new FileError("unavailable", "No ledger."))
          : ledger.intents.settle(...args);
      },
    };
    const work = afterwork(flaky);
    const backend = stack(
      memory(),
      settle({
        intents: flaky,
        afterwork: work,
        mount,
        tenant: () => tenant,
        fencing: undefined,
        recovery: undefined,
      }),
    );
    await expect(
      backend.write(await fresh("write"), path("a"), textBody("x")),
    ).rejects.toMatchObject({
      code: "unavailable",
      retry: "safe",
    });
    await waitFor(async () => (await successes()).length === 1);
    expect(await ledger.intents.pending(mount)).toEqual([]);
    await work.close();
  });

  it("refuses the commit of a process whose lease is another's by now", async () => {
    const holder = { host: "h", boot: "b", pid: 1, startTime: "1" };
    const first = await ledger.leases.acquire(`mount:${mount}`, holder, 10_000);
    await ledger.leases.release(`mount:${mount}`, first?.fencing ?? 0);
    const second = await ledger.leases.acquire(`mount:${mount}`, { ...holder, pid: 2 }, 10_000);
    const backendOf = (fencing: number | undefined): Backend =>
      stack(
        memory(),
        settle({
          intents: ledger.intents,
          afterwork: after,
          mount,
          tenant: () => tenant,
          fencing,
          recovery: undefined,
        }),
      );
    await expect(
      backendOf(first?.fencing).write(await fresh("write"), path("a"), textBody("x")),
    ).rejects.toMatchObject({ code: "unavailable" });
    await backendOf(second?.fencing).write(await fresh("write"), path("a"), textBody("x"));
  });

  it("sweeps what a crash left: nothing of an open intent, the whole of a committed one", async () => {
    await using dir = await tempDir();
    const before = await local({ root: dir.path });
    const crashed = new Error("the process died");
    const forever = new Promise<never>(() => undefined);
    const dying = (at: "open" | "committing"): Backend =>
      stack(
        before,
        settle({
          intents: {
            ...ledger.intents,
            // A dead process neither settles nor discards.
            settle: () => Promise.reject(crashed),
            discard: () => forever,
            commit: async (settlement, id, staged) => {
              if (at === "open") throw crashed;
              return ledger.intents.commit(settlement, id, staged);
            },
          },
          afterwork: {
            ...after,
            finish: () => Promise.reject(crashed),
            discard: () => undefined,
          },
          mount,
          tenant: () => tenant,
          fencing: undefined,
          recovery: undefined,
        }),
      );
    await expect(
      dying("open").write(await fresh("write"), path("lost"), textBody("x")),
    ).rejects.toBe(crashed);
    await expect(
      dying("committing").write(await fresh("write"), path("kept"), textBody("y")),
    ).rejects.toBe(crashed);
    expect((await ledger.intents.pending(mount)).map((intent) => intent.state)).toEqual([
      "open",
      "committing",
    ]);
    await before.close();

    const again = await local({ root: dir.path });
    expect(await sweep(plainContext(), ledger.intents, mount, again)).toBe(2);
    expect(await ledger.intents.pending(mount)).toEqual([]);
    expect((await again.stat(plainContext(), path("kept"))).size).toBe(1);
    await expect(again.stat(plainContext(), path("lost"))).rejects.toMatchObject({
      code: "not-found",
    });
    expect(await successes()).toEqual(["write"]);
    await again.close();
  });
});
