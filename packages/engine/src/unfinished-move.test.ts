import {
  type Backend,
  type Context,
  FileError,
  parseBackendPath,
  parseVirtualPath,
  type Tree,
} from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { query, testDatabase, type TestDatabase, waitFor } from "@bulkhead/harness";
import { overrideBackend, plainContext, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import type { Authority } from "@bulkhead/policy";
import { MountTable, tree } from "@bulkhead/vfs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { finishKind, finishMoves, rememberMoves } from "./unfinished-move.ts";

const at = parseVirtualPath;
const inside = parseBackendPath;
const forever = new Promise<never>(() => undefined);

describe("the move of a file between storages that a crash interrupted", () => {
  let database: TestDatabase;
  let ledger: Ledger;
  let ctx: () => Context;
  let source: Backend;
  let target: Backend;
  const stop = new AbortController();

  beforeAll(async () => {
    database = await testDatabase({ migrate });
    ledger = await openLedger({ url: database.url, masterKeyFingerprint: "f".repeat(32) });
    await ledger.platformKeys.ensure({ env: "k".repeat(40) });
    const { principal } = await ledger.authority.admit("k".repeat(40));
    ctx = () => ({ ...plainContext(), principal, cut: () => undefined });
  });
  afterAll(async () => {
    stop.abort();
    await ledger.close();
    await database.close();
  });
  beforeEach(async () => {
    [source, target] = [memory(), memory()];
    await source.write(plainContext(), inside("f"), textBody("content"));
  });

  const treeOf = (a: Backend, b: Backend): Tree => {
    const table = MountTable.of([
      { id: "a", path: at("/a"), backend: a },
      { id: "b", path: at("/b"), backend: b },
    ]);
    return tree(() => table, { remember: rememberMoves(ledger.jobs) });
  };
  const authority = (): Pick<Authority, "readmit"> => ({
    readmit: ({ keyId }) => ledger.authority.readmit(keyId),
  });
  const jobs = (): ReturnType<typeof query> =>
    query(
      database.url,
      "select state, result, run_at > bulkhead.now() + interval '50 s' as later from bulkhead.job where kind = $1 order by created_at",
      [finishKind],
    );
  /** Waits until nobody can be at it any more, and lets whoever finishes run. */
  const finish = async (): Promise<unknown> => {
    await query(
      database.url,
      "update bulkhead.job set run_at = bulkhead.now() where state = 'queued'",
    );
    const one = new AbortController();
    const running = ledger.jobs.run({
      handlers: { [finishKind]: finishMoves(authority(), treeOf(source, target)) },
      signal: one.signal,
      pollMs: 20,
    });
    await waitFor(async () => (await jobs()).every(({ state }) => state === "done"));
    one.abort();
    await running;
    return (await jobs()).at(-1)?.["result"];
  };
  const standing = async (): Promise<readonly string[]> =>
    (
      await Promise.all(
        [source, target].map(async (backend, i) =>
          (await backend.list(plainContext(), inside(""))).entries.map(
            ({ name, size }) => `${"ab"[i]}/${name} ${size}`,
          ),
        ),
      )
    ).flat();

  it("leaves nothing to finish where it ends, well or not", async () => {
    const before = (await jobs()).length;
    await treeOf(source, target).move(ctx(), at("/a/f"), at("/b/f"));
    expect(await standing()).toEqual(["b/f 7"]);
    await source.write(plainContext(), inside("f"), textBody("x"));
    await expect(treeOf(source, target).move(ctx(), at("/a/f"), at("/b/f"))).rejects.toMatchObject({
      code: "already-exists",
    });
    expect(await jobs()).toHaveLength(before);
  });

  it("is finished if it was copied, and the source is what was copied", async () => {
    const dying = overrideBackend(source, { remove: () => forever });
    void treeOf(dying, target).move(ctx(), at("/a/f"), at("/b/f"));
    await waitFor(async () => (await standing()).length === 2);
    expect((await jobs()).at(-1)).toMatchObject({ state: "queued", later: true });
    expect(await finish()).toEqual({ finished: true });
    expect(await standing()).toEqual(["b/f 7"]);
  });

  it("is left alone where nothing was copied, or either end is something else by now", async () => {
    const stuck = overrideBackend(target, { write: () => forever });
    void treeOf(source, stuck).move(ctx(), at("/a/f"), at("/b/f"));
    await waitFor(async () => (await jobs()).at(-1)?.["state"] === "queued");
    expect(await finish()).toEqual({ finished: false });
    expect(await standing()).toEqual(["a/f 7"]);

    const dying = overrideBackend(source, { remove: () => forever });
    void treeOf(dying, target).move(ctx(), at("/a/f"), at("/b/f"));
    await waitFor(async () => (await standing()).length === 2);
    // The same content, but written since.
    await source.write(plainContext(), inside("f"), textBody("content"));
    expect(await finish()).toEqual({ finished: false });
    expect(await standing()).toEqual(["a/f 7", "b/f 7"]);

    await target.remove(plainContext(), inside("f"));
    void treeOf(dying, target).move(ctx(), at("/a/f"), at("/b/f"));
    await waitFor(async () => (await standing()).length === 2);
    await target.write(plainContext(), inside("f"), textBody("another"));
    expect(await finish()).toEqual({ finished: false });
    expect(await standing()).toEqual(["a/f 7", "b/f 7"]);
  });

  it("keeps its copy where somebody else finished it while it was thought dead", async () => {
    const slow = overrideBackend(source, {
      remove: async () => {
        await finish();
        throw new FileError("not-found", "It is gone.");
      },
    });
    await expect(treeOf(slow, target).move(ctx(), at("/a/f"), at("/b/f"))).rejects.toMatchObject({
      code: "not-found",
    });
    expect(await standing()).toEqual(["b/f 7"]);
  });
});
