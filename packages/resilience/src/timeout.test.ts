import { type Backend, FileError, parseBackendPath, type ReadResult } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import {
  bytesBody,
  chunksOf,
  overrideBackend,
  plainContext,
  stack,
  streamBody,
  textBody,
} from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { chaos, nthCall, timeout } from "./index.ts";

const ctx = plainContext();
const path = parseBackendPath;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const short = { answerMs: 40, progressMs: 40, silentMs: 40 };
const hanging = (when: "hang-before" | "hang-after", inner: Backend = memory()): Backend =>
  stack(inner, timeout(short), chaos({ schedule: nthCall(1, when) }).layer);
const late = { code: "timeout", retry: "safe" };

describe("timeout", () => {
  const calls: Readonly<Record<string, (backend: Backend) => Promise<unknown>>> = {
    stat: (b) => b.stat(ctx, path("")),
    read: (b) => b.read(ctx, path("f")),
    list: (b) => b.list(ctx, path("")),
    write: (b) => b.write(ctx, path("f"), textBody("x")),
    mkdir: (b) => b.mkdir(ctx, path("d")),
    remove: (b) => b.remove(ctx, path("f")),
    copy: (b) => b.copy(ctx, path("f"), path("g")),
    move: (b) => b.move(ctx, path("f"), path("g")),
  };
  it.each(Object.keys(calls))("answers for a storage that hangs: %s", async (name) => {
    await expect(calls[name]?.(hanging("hang-before"))).rejects.toMatchObject(late);
  });

  it("answers for a probe that hangs", async () => {
    const inner = overrideBackend(memory(), { probe: () => new Promise(() => undefined) });
    await expect(timeout(short)(inner).probe(ctx)).rejects.toMatchObject(late);
  });

  it("never ends what goes on, however long the whole takes", async () => {
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 8; i++) {
        await sleep(20);
        yield new Uint8Array(10);
      }
    };
    const inner = memory();
    const trickling = overrideBackend(inner, {
      read: async (...args) => ({
        ...(await inner.read(...args)),
        content: slow(),
        [Symbol.asyncDispose]: async () => {},
      }),
    });
    const backend = timeout({ answerMs: 60, progressMs: 60 })(trickling);
    const result = await backend.write(ctx, path("f"), streamBody(slow()));
    expect(result.size).toBe(80);
    await using read = await backend.read(ctx, path("f"));
    let size = 0;
    for await (const chunk of chunksOf(read.content)) size += chunk.length;
    expect(size).toBe(80);
  });

  it("does not hurry a reader, nor a commit", async () => {
    const inner = memory();
    const backend = timeout(short)(inner);
    const slow = plainContext({ commit: () => sleep(120) });
    await backend.write(slow, path("f"), bytesBody(new Uint8Array(600_000)));
    await backend.copy(slow, path("f"), path("g"));
    await using read = await backend.read(ctx, path("f"));
    let size = 0;
    for await (const chunk of chunksOf(read.content)) {
      size += chunk.length;
      await sleep(60);
    }
    expect(size).toBe(600_000);
  });

  it("ends a reading that does not go on, and lets go of it without a word", async () => {
    const inner = memory();
    await inner.write(ctx, path("f"), bytesBody(new Uint8Array(600_000)));
    const read = await hanging("hang-after", inner).read(ctx, path("f"));
    const draining = (async () => {
      for await (const chunk of chunksOf(read.content)) expect(chunk.length).toBeGreaterThan(0);
    })();
    await expect(draining).rejects.toMatchObject(late);
    await read[Symbol.asyncDispose]();
  });

  it("tells a sender that stopped from a storage that did, and lets both go", async () => {
    let letGo = 0;
    const stops = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield new Uint8Array(1);
        await sleep(100);
        yield new Uint8Array(1);
      } finally {
        letGo += 1;
      }
    };
    const patient = timeout({ answerMs: 10_000, progressMs: 40 })(memory());
    await expect(patient.write(ctx, path("f"), streamBody(stops()))).rejects.toMatchObject({
      code: "timeout",
      retry: "never",
    });
    await sleep(100);
    expect(letGo).toBe(1);

    const stuck = overrideBackend(memory(), {
      write: async (_, __, body) => {
        await body.open()[Symbol.asyncIterator]().next();
        return new Promise<never>(() => undefined);
      },
    });
    await expect(
      timeout(short)(stuck).write(ctx, path("f"), streamBody(stops())),
    ).rejects.toMatchObject(late);
    await sleep(20);
    expect(letGo).toBe(2);
  });

  it("blames the sender for its first chunk, and the storage for what follows the last", async () => {
    const never = async function* (): AsyncGenerator<Uint8Array> {
      await sleep(150);
      yield new Uint8Array(1);
    };
    await expect(
      timeout(short)(memory()).write(ctx, path("f"), streamBody(never())),
    ).rejects.toMatchObject({ code: "timeout", retry: "never" });
    const swallows = overrideBackend(memory(), {
      write: async (_, __, body) => {
        for await (const chunk of body.open()) expect(chunk.length).toBe(1);
        return new Promise<never>(() => undefined);
      },
    });
    await expect(
      timeout(short)(swallows).write(ctx, path("f"), textBody("x")),
    ).rejects.toMatchObject(late);
  });

  it("cancels what it gives up on, and refuses its commit and its answer", async () => {
    const inner = memory();
    await inner.write(ctx, path("f"), textBody("old"));
    let reason: unknown;
    let commit: unknown;
    let disposed = 0;
    const dawdling = overrideBackend(inner, {
      write: async (c) => {
        await sleep(80);
        reason = c.signal.reason;
        await c.commit({ id: "late", size: 1 }).catch((error: unknown) => (commit = error));
        throw new Error("unheard");
      },
      read: async (): Promise<ReadResult> => {
        await sleep(80);
        const result = await inner.read(ctx, path("f"));
        return { ...result, [Symbol.asyncDispose]: async () => void (disposed += 1) };
      },
    });
    let commits = 0;
    const own = plainContext({ commit: async () => void (commits += 1) });
    const backend = timeout(short)(dawdling);
    await expect(backend.write(own, path("f"), textBody("x"))).rejects.toMatchObject(late);
    await expect(backend.read(own, path("f"))).rejects.toMatchObject(late);
    await sleep(100);
    expect(reason).toMatchObject(late);
    expect(commit).toBeInstanceOf(FileError);
    expect(commits).toBe(0);
    expect(disposed).toBe(1);
  });

  it("passes the caller's abort on, and leaves nothing on its signal", async () => {
    const controller = new AbortController();
    let count = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof add>) => ((count += 1), add(...args)),
      removeEventListener: (...args: Parameters<typeof remove>) => ((count -= 1), remove(...args)),
    });
    const own = plainContext({ signal });
    const backend = timeout(short)(memory());
    await backend.write(own, path("f"), bytesBody(new Uint8Array(600_000)));
    const read = await backend.read(own, path("f"));
    expect(count).toBe(1);
    await read[Symbol.asyncDispose]();
    expect(count).toBe(0);
    const waits = overrideBackend(memory(), {
      stat: (c) =>
        new Promise((_, reject) => {
          c.signal.addEventListener("abort", () => reject(new FileError("aborted", "x")));
        }),
    });
    const waiting = timeout()(waits).stat(own, path(""));
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
  });
});
