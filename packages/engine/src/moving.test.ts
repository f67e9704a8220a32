import {
  type Backend,
  FileError,
  type OpContext,
  parseBackendPath,
  parseVirtualPath,
  type Recovery,
} from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { query, testDatabase, type TestDatabase, waitFor } from "@bulkhead/harness";
import { overrideBackend, plainContext, stack, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import { type Afterwork, afterwork, type Intents, settle, sweep } from "@bulkhead/settle";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const path = parseBackendPath;
const plain = plainContext();
const kept = { code: "unavailable", fields: { retryAfter: 1 } };

describe("what is granted follows on plain storage, over a real ledger", () => {
  let database: TestDatabase;
  let ledger: Ledger;
  let work: Afterwork;
  let tenant: string;
  let count = 0;
  let inner: Backend;
  /** Lets the storage go on, before and after its effect. */
  let before: PromiseWithResolvers<void>;
  let after: PromiseWithResolvers<void>;

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
  const mount = (): string => `m${count}`;
  const root = (): string => `/workspace/t${count}`;
  beforeEach(async () => {
    count += 1;
    ({ uid: tenant } = await ledger.tenants.create(plain.settlement, {
      id: `t${count}`,
      name: "t",
      root: parseVirtualPath(root()),
      placement: "local",
      subdomain: undefined,
      allowedRegions: undefined,
      limits: {},
      settings: {},
    }));
    inner = memory();
    for (const name of ["a/x", "a/y", "c"]) await inner.write(plain, path(name), textBody(name));
    before = Promise.withResolvers<void>();
    after = Promise.withResolvers<void>();
  });

  const grant = async (at: string): Promise<void> => {
    await query(
      database.url,
      `insert into bulkhead.relation (tenant, object_type, object, subject_tenant, subject_type, subject_id,
         subject_relation, role, below_only, created_by)
       values ($1, 'file', $2, $1, 'user', 'alice', '', 'viewer', false, 'test')`,
      [tenant, `${root()}/${at}`],
    );
  };
  /** As a caller grants. */
  const granting = (at: string): Promise<unknown> =>
    ledger.relations.grant(
      { ...plain.settlement, tenant },
      [
        {
          subject: { tenant, type: "user", id: "*" },
          relation: "viewer",
          object: { tenant, type: "file", path: parseVirtualPath(`${root()}/${at}`) },
          expiresAt: undefined,
        },
      ],
      undefined,
    );
  const granted = async (): Promise<readonly string[]> =>
    (
      await query(
        database.url,
        "select object from bulkhead.relation where tenant = $1 order by object",
        [tenant],
      )
    ).map(({ object }) => String(object).slice(root().length + 1));
  const covered = async (...at: readonly string[]): Promise<unknown> =>
    (
      await query(database.url, "select bulkhead.intents_cover_v1($1, $2) as covered", [
        tenant,
        at.map((one) => `${root()}/${one}`),
      ])
    )[0]?.["covered"];
  const following = (from: string, to?: string): OpContext => ({
    ...plain,
    settlement: {
      ...plain.settlement,
      follow: { from: `${root()}/${from}`, to: to && `${root()}/${to}` },
    },
  });
  const gated = (): Backend =>
    overrideBackend(inner, {
      move: async (ctx, from, to, options) => {
        const commit: OpContext["commit"] = async (staged) => {
          await ctx.commit(staged);
          await before.promise;
        };
        const moved = await inner.move({ ...ctx, commit }, from, to, options);
        await after.promise;
        return moved;
      },
    });
  const layered = (
    storage: Backend,
    intents: Intents = ledger.intents,
    side: "done" | "undone" = "done",
  ): Backend =>
    stack(
      storage,
      settle({
        intents,
        afterwork: work,
        mount: mount(),
        tenant: () => tenant,
        fencing: undefined,
        recovery: recovery(side),
        charging: { accounted: ledger.accounted, forgets: false },
      }),
    );
  const recovery = (side: "done" | "undone"): Recovery => ({
    recover: () => Promise.resolve(side),
    sweep: () => Promise.resolve(),
  });
  const committing = (): Promise<unknown> =>
    waitFor(
      async () =>
        (await ledger.intents.pending(mount())).filter(({ state }) => state === "committing")
          .length === 1,
    );

  it("keeps requests and grants from both ends until what is granted has followed", async () => {
    for (const at of ["a/x", "a", "c", "ab"]) await grant(at);
    const backend = layered(gated());
    const moving = backend.move(following("a", "b"), path("a"), path("b"));
    await committing();
    const refused: readonly (() => Promise<unknown>)[] = [
      () => backend.stat(plain, path("a")),
      () => backend.list(plain, path("a")),
      () => backend.read(plain, path("a/x")),
      () => backend.stat(plain, path("b/x")),
      () => backend.write(plainContext(), path("b/z"), textBody("1")),
      () => backend.mkdir(plainContext(), path("a/d")),
      () => backend.copy(plainContext(), path("a/x"), path("d")),
      () => backend.copy(plainContext(), path("c"), path("a/c")),
      () => backend.remove(following("a/x"), path("a/x")),
      () => backend.move(following("c", "b/c"), path("c"), path("b/c")),
    ];
    for (const request of refused) await expect(request()).rejects.toMatchObject(kept);
    await backend.stat(plain, path("c"));
    await backend.write(plainContext(), path("ab"), textBody("1"));
    expect((await backend.list(plain, path(""))).entries).toHaveLength(3);
    expect([
      await covered("a"),
      await covered("c", "b/deep/er"),
      await covered("ab", "c", ""),
    ]).toEqual([true, true, false]);
    before.resolve();
    await waitFor(async () =>
      inner.stat(plain, path("b/x")).then(
        () => true,
        () => false,
      ),
    );
    // It lies there now, and is still nobody's.
    await expect(backend.read(plain, path("b/x"))).rejects.toMatchObject(kept);
    expect(await granted()).toEqual(["a", "a/x", "ab", "c"]);
    after.resolve();
    await moving;
    expect(await granted()).toEqual(["ab", "b", "b/x", "c"]);
    expect(await covered("a", "b")).toBe(false);
    await (await backend.read(plain, path("b/x")))[Symbol.asyncDispose]();
  });

  it("answers nothing that was opened before and moved meanwhile", async () => {
    await grant("a/x");
    const opened = Promise.withResolvers<void>();
    const slow = gated();
    const backend = layered(
      overrideBackend(slow, {
        read: async (...args) => {
          const result = await inner.read(...args);
          await opened.promise;
          return result;
        },
        stat: async (...args) => {
          const result = await inner.stat(...args);
          await opened.promise;
          return result;
        },
      }),
    );
    await inner.write(plain, path("b/z"), textBody("z"));
    const read = backend.read(plain, path("b/z"));
    const stat = backend.stat(plain, path("b/z"));
    const moving = backend.move(following("a/x", "b/z"), path("a/x"), path("b/z"), {
      mode: "overwrite",
    });
    await committing();
    opened.resolve();
    await expect(read).rejects.toMatchObject(kept);
    await expect(stat).rejects.toMatchObject(kept);
    before.resolve();
    after.resolve();
    await moving;
  });

  it("lets a commit that was begun before wait its turn", async () => {
    await grant("a/x");
    const staged = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const backend = layered(
      overrideBackend(gated(), {
        write: async (ctx, at, body, options) => {
          begun.resolve();
          await staged.promise;
          return inner.write(ctx, at, body, options);
        },
      }),
    );
    const writing = backend.write(plainContext(), path("a/z"), textBody("z"));
    await begun.promise;
    const moving = backend.move(following("a", "b"), path("a"), path("b"));
    await committing();
    staged.resolve();
    before.resolve();
    await expect(writing).rejects.toMatchObject(kept);
    after.resolve();
    await moving;
    expect((await inner.list(plain, path("b"))).entries.map(({ name }) => name)).toEqual([
      "x",
      "y",
    ]);
  });

  it("takes what is granted away with what is removed, and the target's with what it replaces", async () => {
    for (const at of ["a", "a/x", "a0", "c"]) await grant(at);
    const backend = layered(inner);
    await backend.move(following("a/x", "c"), path("a/x"), path("c"), { mode: "overwrite" });
    expect(await granted()).toEqual(["a", "a0", "c"]);
    await backend.remove(following("a"), path("a"), { recursive: true });
    expect(await granted()).toEqual(["a0", "c"]);
    await backend.remove(following("c"), path("c"));
    expect(await granted()).toEqual(["a0"]);
  });

  it("keeps nobody waiting where nothing is granted, but for grants", async () => {
    await grant("c");
    const backend = layered(gated());
    const moving = backend.move(following("a", "b"), path("a"), path("b"));
    await committing();
    await backend.stat(plain, path("c"));
    await backend.stat(plain, path("a/x"));
    expect(await covered("a/x")).toBe(true);
    await expect(granting("a/x")).rejects.toMatchObject(kept);
    await expect(granting("b")).rejects.toMatchObject(kept);
    await granting("d");
    before.resolve();
    after.resolve();
    await moving;
    await granting("b");
    expect(await granted()).toEqual(["b", "c", "d"]);
  });

  it("leaves what is granted where it was if nothing was moved, and lets requests again", async () => {
    await grant("a/x");
    const failing = overrideBackend(inner, {
      move: async (ctx, from, to, options) =>
        inner.move(
          {
            ...ctx,
            commit: async (staged) => {
              await ctx.commit(staged);
              throw new FileError("unavailable", "Not now.");
            },
          },
          from,
          to,
          options,
        ),
    });
    const backend = layered(failing, ledger.intents, "undone");
    await expect(backend.move(following("a", "b"), path("a"), path("b"))).rejects.toMatchObject({
      detail: "Not now.",
    });
    await backend.stat(plain, path("a/x"));
    await waitFor(async () => !(await covered("a")));
    expect(await granted()).toEqual(["a/x"]);
  });

  it("moves what arrived below a directory only once it is there", async () => {
    await grant("a/x");
    const late = Promise.withResolvers<void>();
    let first = true;
    const backend = layered(inner, {
      ...ledger.intents,
      settle: async (...args) => {
        if (first) {
          first = false;
          await late.promise;
        }
        return ledger.intents.settle(...args);
      },
    });
    await inner.mkdir(plain, path("d"));
    const one = backend.move(following("a", "d/a"), path("a"), path("d/a"));
    await waitFor(async () =>
      inner.stat(plain, path("d/a/x")).then(
        () => true,
        () => false,
      ),
    );
    const two = backend.move(following("d", "e"), path("d"), path("e"));
    await waitFor(async () => (await ledger.intents.pending(mount())).length === 2);
    expect((await ledger.intents.pending(mount())).map(({ state }) => state)).toEqual([
      "committing",
      "open",
    ]);
    late.resolve();
    await Promise.all([one, two]);
    expect(await granted()).toEqual(["e/a/x"]);
  });

  it("lets what is granted follow after a crash, to the end that the storage has", async () => {
    for (const side of ["done", "undone"] as const) {
      await grant("a/x");
      const dead = { ...ledger.intents, settle: () => new Promise<never>(() => undefined) };
      void layered(inner, dead)
        .move(following("a", "b"), path("a"), path("b"))
        .catch(() => undefined);
      await committing();
      await waitFor(async () =>
        inner.stat(plain, path("b/x")).then(
          () => true,
          () => false,
        ),
      );
      if (side === "undone") await inner.move(plain, path("b"), path("a"));
      const charging = { accounted: ledger.accounted, backend: inner };
      await sweep(plain, ledger.intents, mount(), recovery(side), charging);
      expect(await granted()).toEqual([side === "done" ? "b/x" : "a/x"]);
      expect(await covered("a")).toBe(false);
      if (side === "done") {
        await layered(inner).remove(following("b"), path("b"), { recursive: true });
        await inner.write(plain, path("a/x"), textBody("x"));
        expect(await granted()).toEqual([]);
      }
    }
  });
});
