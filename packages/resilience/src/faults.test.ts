import {
  type Backend,
  type Body,
  FileError,
  type OpContext,
  type Operation,
  parseBackendPath,
} from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { bytesBody, collect, override, overrideBackend, plainContext, stack } from "@bulkhead/kit";
import { beforeEach, describe, expect, it } from "vitest";
import { chaos, type Fault, faultsOf, perOperation, retry, timeout } from "./index.ts";

/**
 * What a fault that comes once may lead to through retry ▸ timeout ▸ chaos ▸ memory.
 * `done`: the answer of an undisturbed call, and the effect once.
 * `error`: a clean error; the effect is there or not, never by halves; doing it again converges.
 * `lied`: the answer is wrong, as the storage promised no better: without a digest nobody can know. Backends that keep
 * digests (versioned) refuse here. A wrong ETag at least never lets a conditional write through.
 */
type Outcome = "done" | "error" | "lied";

const outcomes: Readonly<Record<Fault, { readonly asking: Outcome; readonly changing: Outcome }>> =
  {
    latency: { asking: "done", changing: "done" },
    "unavailable-before": { asking: "done", changing: "done" },
    "unavailable-commit": { asking: "done", changing: "error" },
    "unavailable-after": { asking: "done", changing: "error" },
    "reset-before": { asking: "done", changing: "done" },
    "reset-after": { asking: "error", changing: "error" },
    "hang-before": { asking: "done", changing: "done" },
    "hang-after": { asking: "error", changing: "error" },
    "short-read": { asking: "done", changing: "done" },
    "torn-write": { asking: "done", changing: "done" },
    "wrong-etag": { asking: "lied", changing: "lied" },
    "bit-flip": { asking: "lied", changing: "lied" },
    "disk-full": { asking: "done", changing: "done" },
  };

const path = parseBackendPath;
const bytes = (text: string): Body => bytesBody(new TextEncoder().encode(text));
const read = async (backend: Backend, at: string): Promise<string> => {
  await using result = await backend.read(plainContext(), path(at));
  return new TextDecoder().decode(await collect(result.content));
};

interface Call {
  readonly run: (backend: Backend, ctx: OpContext) => Promise<unknown>;
  /** Everything that is stored once it is done. */
  readonly after: Readonly<Record<string, string>>;
  /** What doing it again says where it was done already. */
  readonly again?: string;
}
const before = { f: "first", g: "second" };
const calls: Readonly<Record<Operation, Call>> = {
  stat: { run: (b, c) => b.stat(c, path("f")), after: before },
  list: { run: (b, c) => b.list(c, path("")), after: before },
  read: { run: (b) => read(b, "f"), after: before },
  write: {
    run: (b, c) => b.write(c, path("f"), bytes("renewed")),
    after: { ...before, f: "renewed" },
  },
  mkdir: {
    run: (b, c) => b.mkdir(c, path("d")),
    after: { ...before, "d/": "" },
    again: "already-exists",
  },
  remove: { run: (b, c) => b.remove(c, path("f")), after: { g: "second" }, again: "not-found" },
  copy: {
    run: (b, c) => b.copy(c, path("f"), path("h")),
    after: { ...before, h: "first" },
    again: "already-exists",
  },
  move: {
    run: (b, c) => b.move(c, path("f"), path("h")),
    after: { g: "second", h: "first" },
    again: "not-found",
  },
};

/** Counts what really took effect. */
const witness = (inner: Backend): { backend: Backend; effects: () => number } => {
  let effects = 0;
  const count =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const result = await call(...args);
      effects += 1;
      return result;
    };
  const { write, mkdir, remove, copy, move } = inner;
  const counted = override(inner, {
    write: count(write),
    mkdir: count(mkdir),
    remove: count(remove),
    copy: count(copy),
    move: count(move),
  });
  return { backend: overrideBackend(inner, counted), effects: () => effects };
};

const stored = async (backend: Backend): Promise<Readonly<Record<string, string>>> => {
  const found: Record<string, string> = {};
  for (const { name, kind } of (await backend.list(plainContext(), path(""))).entries)
    if (kind === "directory") found[`${name}/`] = "";
    else found[name] = await read(backend, name);
  return found;
};

/** What of an answer is the same in every run. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value ?? null, (key, inner: unknown) =>
      ["etag", "modifiedAt", "createdAt"].includes(key) ? undefined : inner,
    ),
  );

describe("every fault × every operation", () => {
  let inner: Backend;
  beforeEach(async () => {
    inner = memory();
    for (const [name, text] of Object.entries(before))
      await inner.write(plainContext(), path(name), bytes(text));
  });

  const operations = [
    "stat",
    "list",
    "read",
    "write",
    "mkdir",
    "remove",
    "copy",
    "move",
  ] as const satisfies readonly Operation[];
  const cases = operations.flatMap((operation) =>
    faultsOf[operation].map((fault) => ({
      operation,
      call: calls[operation],
      fault,
      outcome: outcomes[fault][calls[operation].after === before ? "asking" : "changing"],
    })),
  );

  it.each(cases)("$fault in $operation: $outcome", async ({ operation, call, fault, outcome }) => {
    const undisturbed = memory();
    for (const [name, text] of Object.entries(before))
      await undisturbed.write(plainContext(), path(name), bytes(text));
    const mutates = call.after !== before;
    const { backend: seen, effects } = witness(inner);
    const faults = chaos({ schedule: perOperation({ [operation]: [fault] }) });
    // Short only where it has to come: a busy machine is no hanging storage.
    const ms = fault.startsWith("hang") ? 150 : 10_000;
    const short = timeout({ answerMs: ms, progressMs: ms, silentMs: ms });
    const backend = stack(seen, retry({ minDelayMs: 1 }), short, faults.layer);
    let commits = 0;
    const ctx = plainContext({ commit: async () => void (commits += 1) });
    const answer = await call.run(backend, ctx).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    expect(faults.injected).toHaveLength(1);
    expect(commits).toBeLessThanOrEqual(1);
    if (outcome === "error") {
      if (!("error" in answer)) throw new Error("no error was answered");
      expect(answer.error).toBeInstanceOf(FileError);
      const code = fault === "hang-after" ? "timeout" : "unavailable";
      expect(answer.error).toMatchObject({ code, retry: "safe" });
      const happened = effects() === 1;
      expect(happened).toBe(mutates && fault !== "unavailable-commit");
      expect(await stored(inner)).toEqual(happened ? call.after : before);
      // The caller repeats: it is done, or it says why there is nothing left to do.
      const again = call.run(backend, ctx);
      if (happened && call.again !== undefined)
        await expect(again).rejects.toMatchObject({ code: call.again });
      else await again;
      expect(await stored(inner)).toEqual(call.after);
      return;
    }
    if ("error" in answer) throw answer.error;
    expect(effects()).toBe(mutates ? 1 : 0);
    if (outcome === "done") {
      expect(plain(answer.value)).toEqual(plain(await call.run(undisturbed, plainContext())));
      expect(await stored(inner)).toEqual(call.after);
    } else if (fault === "wrong-etag") {
      const etag = /wrong-[a-z0-9]+/.exec(JSON.stringify(answer.value))?.[0] ?? "none";
      const target = operation === "copy" ? "h" : "f";
      await expect(
        backend.write(plainContext(), path(target), bytes("x"), { mode: { ifMatch: etag } }),
      ).rejects.toMatchObject({ code: "precondition-failed" });
      expect(await stored(inner)).toEqual(call.after);
    } else {
      const now = operation === "read" ? String(answer.value) : await read(inner, "f");
      expect(now).not.toBe(call.after["f"]);
      expect(now).toHaveLength(call.after["f"]?.length ?? 0);
    }
  });
});
