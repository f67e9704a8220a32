import { type Backend, FileError, parseBackendPath } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { overrideBackend, plainContext, textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { lazy } from "./lazy.ts";

const ctx = plainContext();
const path = parseBackendPath;

/** Counts what was opened and closed. */
const counted = (
  backend: Backend = memory(),
): { open: () => Promise<Backend>; opened: number; closed: number } => {
  const counts = {
    opened: 0,
    closed: 0,
    open: async (): Promise<Backend> => {
      counts.opened += 1;
      return overrideBackend(backend, {
        close: async () => {
          counts.closed += 1;
        },
      });
    },
  };
  return counts;
};

describe("lazy", () => {
  it("opens on first use, once for all that call at the same time", async () => {
    const counts = counted();
    const backend = lazy({ scheme: "memory", open: counts.open });
    expect(counts.opened).toBe(0);
    await Promise.all(
      Array.from({ length: 5 }, (_, i) => backend.write(ctx, path(`f${i}`), textBody("x"))),
    );
    expect((await backend.list(ctx, path(""))).entries).toHaveLength(5);
    expect(counts.opened).toBe(1);
    await backend.close();
    expect(counts.closed).toBe(1);
    await expect(backend.stat(ctx, path("f1"))).rejects.toMatchObject({ code: "unavailable" });
  });

  it("keeps its place with `unavailable`, and does not hammer a storage that cannot be opened", async () => {
    let tries = 0;
    const backend = lazy({
      scheme: "local",
      retryMs: 50,
      open: async () => {
        tries += 1;
        if (tries < 3) throw new Error("ENOENT: /somewhere/secret");
        return memory();
      },
    });
    const attempt = (): Promise<unknown> => backend.list(ctx, path(""));
    await expect(attempt()).rejects.toMatchObject({ code: "unavailable" });
    await expect(attempt()).rejects.not.toThrow("secret");
    expect(tries).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await expect(attempt()).rejects.toMatchObject({ code: "unavailable" });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await attempt()).toEqual({ entries: [] });
    expect(tries).toBe(3);
  });

  it("refuses an option that the storage does not declare, though it claimed everything before it was open", async () => {
    const backend = lazy({
      scheme: "x",
      open: async () => memory({ capability: { metadata: false } }),
    });
    await expect(
      backend.write(ctx, path("f"), textBody("x"), { metadata: { a: "b" } }),
    ).rejects.toMatchObject({ code: "invalid-request" });
    await expect(backend.read(ctx, path("f"), { version: "1" })).rejects.toMatchObject({
      code: "invalid-request",
    });
    expect(backend.capability.metadata).toBe(false);
  });

  it("passes the past of a storage that keeps one, and refuses where there is none", async () => {
    const written = { etag: "e", size: 1, created: false };
    const kept = counted(
      overrideBackend(memory(), {
        versions: async (_ctx, at) => ({ entries: [], next: `${at} asked` }),
        restore: async (_ctx, _at, version) => ({ ...written, version }),
      }),
    );
    const backend = lazy({ scheme: "x", open: kept.open, idleMs: 10 });
    expect(await backend.versions(ctx, path("f"))).toEqual({ entries: [], next: "f asked" });
    expect(await backend.restore(ctx, path("f"), "7")).toEqual({ ...written, version: "7" });
    // Asking for the past is use: it opens, and lets go of, the storage like any other call.
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect([kept.opened, kept.closed]).toEqual([1, 1]);
    const latest = lazy({ scheme: "x", open: async () => memory() });
    for (const call of [
      () => latest.versions(ctx, path("f")),
      () => latest.restore(ctx, path("f"), "7"),
    ])
      await expect(call()).rejects.toMatchObject({ code: "invalid-request" });
  });

  it("closes when idle, never under a read that is still open, and opens again", async () => {
    const counts = counted();
    const backend = lazy({ scheme: "memory", open: counts.open, idleMs: 30 });
    await backend.write(ctx, path("f"), textBody("x"));
    const read = await backend.read(ctx, path("f"));
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(counts.closed).toBe(0);
    await read[Symbol.asyncDispose]();
    await read[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(counts.closed).toBe(1);
    expect((await backend.stat(ctx, path("f"))).size).toBe(1);
    expect(counts.opened).toBe(2);
    await backend.close();
  });

  it("opens anew after the storage was lost", async () => {
    const losses: (() => void)[] = [];
    let opened = 0;
    const backend = lazy({
      scheme: "local",
      open: async (lost) => {
        opened += 1;
        losses.push(lost);
        return memory();
      },
    });
    await backend.write(ctx, path("f"), textBody("x"));
    losses[0]?.();
    await expect(backend.stat(ctx, path("f"))).rejects.toMatchObject({ code: "not-found" });
    expect(opened).toBe(2);
  });

  it("opens again only when an idle storage has let go, and hears no loss of the one before", async () => {
    let holders = 0;
    const losses: (() => void)[] = [];
    const backend = lazy({
      scheme: "local",
      idleMs: 20,
      open: async (lost) => {
        losses.push(lost);
        holders += 1;
        if (holders > 1) throw new Error("held twice");
        return overrideBackend(memory(), {
          close: async () => {
            await new Promise((resolve) => setTimeout(resolve, 60));
            holders -= 1;
          },
        });
      },
    });
    await backend.write(ctx, path("f"), textBody("x"));
    await new Promise((resolve) => setTimeout(resolve, 40));
    await backend.write(ctx, path("g"), textBody("x"));
    expect(losses).toHaveLength(2);
    losses[0]?.();
    expect((await backend.stat(ctx, path("g"))).size).toBe(1);
    expect(losses).toHaveLength(2);
    await backend.close();
    expect(holders).toBe(0);
  });

  it("passes on the opener's own reason", async () => {
    const reason = new FileError(
      "unavailable",
      "Another server process serves this part of the tree now.",
    );
    const backend = lazy({ scheme: "local", open: () => Promise.reject(reason) });
    await expect(backend.stat(ctx, path("f"))).rejects.toBe(reason);
  });
});
