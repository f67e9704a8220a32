// oxlint-disable typescript/no-unsafe-type-assertion -- calls every operation alike, whose types differ
import type {
  AnyPath,
  Backend,
  Body,
  Layer,
  OpContext,
  ReadResult,
  Store,
  Versions,
} from "@bulkhead/contract";
import { parseBackendPath } from "@bulkhead/contract";
import { describe, expect, it } from "vitest";
import { bytesBody, chunksOf, collect, streamBody, textBody } from "./body.ts";
import { type Act, type Call, guardWhole, natures } from "./guard.ts";
import { overrideBackend, overrideWhole } from "./override.ts";
import { plainContext } from "./plain-context.ts";
import { stack } from "./stack.ts";
import { tapBody, tapRead } from "./tap.ts";

type AnyStore = Store<AnyPath, OpContext> & Versions<AnyPath, OpContext>;
const operations = Object.keys(natures) as Act[];
const [from, to] = [parseBackendPath("from"), parseBackendPath("to")];
const ctx = plainContext();

/** Answers each call with its name and what it was given. */
const echo = (mark = "inner"): AnyStore =>
  Object.fromEntries(
    operations.map((name) => [
      name,
      (...args: unknown[]) => Promise.resolve([mark, name, ...args]),
    ]),
  ) as never;

const argumentsOf: Record<Act, readonly unknown[]> = {
  stat: [from],
  read: [from, { ifMatch: "e" }],
  write: [from, textBody("x"), { mode: "create" }],
  list: [from, { limit: 1 }],
  mkdir: [from],
  remove: [from, { recursive: true }],
  copy: [from, to, { mode: "overwrite" }],
  move: [from, to, { ifMatch: "e" }],
  versions: [from, { limit: 1 }],
  restore: [from, "v"],
};
const call = (store: AnyStore, name: Act): Promise<unknown> =>
  (store[name] as (...args: unknown[]) => Promise<unknown>)(ctx, ...argumentsOf[name]);

describe("guard", () => {
  it("stands around every operation and passes on all that it was given", async () => {
    const other = plainContext();
    const seen: Call<AnyPath>[] = [];
    const guarded = guardWhole<AnyPath, OpContext>((_, one, next) => {
      seen.push(one);
      return next(other);
    })(echo());
    for (const name of operations)
      expect(await call(guarded, name)).toEqual(["inner", name, other, ...argumentsOf[name]]);
    expect(seen.map((one) => one.operation)).toEqual(operations);
    expect(Object.keys(guarded).sort()).toEqual([...operations].sort());
  });

  it("can keep every operation from running", async () => {
    let ran = 0;
    const counting = guardWhole<AnyPath, OpContext>((c, _, next) => {
      ran += 1;
      return next(c);
    })(echo());
    const closed = guardWhole<AnyPath, OpContext>(() => Promise.reject(new Error("no")))(counting);
    for (const name of operations) await expect(call(closed, name)).rejects.toThrow("no");
    expect(ran).toBe(0);
  });

  it("says what is touched, at both ends", async () => {
    const touches: Partial<Record<Act, string>> = {};
    const mutating: Act[] = [];
    const guarded = guardWhole<AnyPath, OpContext>((c, one, next) => {
      touches[one.operation] = one.touches
        .map(({ access, path }) => `${access} ${path}`)
        .join(", ");
      if (one.mutates) mutating.push(one.operation);
      return next(c);
    })(echo());
    for (const name of operations) await call(guarded, name);
    expect(touches).toEqual({
      stat: "read from",
      read: "read from",
      list: "read from",
      write: "write from",
      mkdir: "write from",
      remove: "delete from",
      copy: "read from, write to",
      move: "read from, delete from, write to",
      versions: "read from",
      restore: "write from",
    });
    expect(mutating).toEqual(["write", "mkdir", "remove", "copy", "move", "restore"]);
  });
});

describe("stack", () => {
  it("meets layers in the order in which they are written", () => {
    const layer =
      (name: string): Layer<string> =>
      (inner) =>
        `${name}(${inner})`;
    expect(stack("base", layer("a"), layer("b"))).toBe("a(b(base))");
    expect(stack("base")).toBe("base");
  });
});

describe("override", () => {
  it("replaces what is given and keeps the rest, of a class's instance too", async () => {
    for (const name of operations) {
      const some = overrideWhole(Object.create(echo()) as AnyStore, { [name]: echo("mine")[name] });
      for (const other of operations)
        expect((await call(some, other)) as unknown[]).toEqual(
          expect.arrayContaining([other === name ? "mine" : "inner", other]),
        );
    }
    const rest = {
      scheme: "s",
      capability: {},
      region: () => "r",
      probe: () => "p",
      close: () => "c",
    };
    const inner = { ...echo(), ...rest } as unknown as Backend;
    const same = overrideBackend(Object.create(inner) as Backend, {});
    for (const key of [...operations, "scheme", "capability", "region", "probe", "close"] as const)
      expect(same[key]).toBe(inner[key]);
    const { versions: _v, restore: _r, ...latest } = inner;
    expect("versions" in overrideBackend(latest, {})).toBe(false);
    expect(overrideBackend(inner, { scheme: "t", stat: inner.stat }).scheme).toBe("t");
  });
});

const parts = async function* (...all: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of all) yield new TextEncoder().encode(part);
};
const text = async (content: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> =>
  new TextDecoder().decode(await collect(content));

describe("bodies", () => {
  it("are sent again or not, as they say", async () => {
    const whole = textBody("né");
    expect([
      whole.size,
      whole.replayable,
      await text(whole.open()),
      await text(whole.open()),
    ]).toEqual([3, true, "né", "né"]);
    const once = streamBody(parts("a", "b"), 2);
    expect([once.size, once.replayable, await text(once.open())]).toEqual([2, false, "ab"]);
    expect(() => once.open()).toThrow(expect.objectContaining({ code: "internal" }));
    expect(streamBody(parts()).size).toBeUndefined();
    let chunks = 0;
    for await (const _ of bytesBody(new Uint8Array()).open()) chunks += 1;
    expect(chunks).toBe(0);
  });

  it("are gathered up to a limit and not a byte further", async () => {
    expect(await text(parts("ab", "", "c"))).toBe("abc");
    expect((await collect(parts("ab", "c"), 3)).length).toBe(3);
    const tooLarge = { code: "too-large", fields: { limit: 2 } };
    await expect(collect(parts("ab", "c"), 2)).rejects.toMatchObject(tooLarge);
    await expect(collect(new Uint8Array(3), 2)).rejects.toMatchObject(tooLarge);
    expect(await text(chunksOf(new Uint8Array([97])))).toBe("a");
  });
});

describe("taps", () => {
  it("see every chunk each time, and end a transfer", async () => {
    let sums: number[] = [];
    const tapped: Body = tapBody(textBody("abc"), () => {
      const at = sums.push(0) - 1;
      return (chunk) => (sums[at] = (sums[at] ?? 0) + chunk.length);
    });
    expect([
      tapped.size,
      tapped.replayable,
      await text(tapped.open()),
      await text(tapped.open()),
    ]).toEqual([3, true, "abc", "abc"]);
    expect(sums).toEqual([3, 3]);
    const failing = tapBody(textBody("abc"), () => () => {
      throw new Error("enough");
    });
    await expect(text(failing.open())).rejects.toThrow("enough");
    sums = [];
    let disposed = 0;
    const result = (content: ReadResult["content"]): ReadResult => ({
      stat: { name: "f", kind: "file", size: 3, modifiedAt: 1 },
      range: { start: 0, end: 2 },
      content,
      [Symbol.asyncDispose]: () => Promise.resolve(void (disposed += 1)),
    });
    for (const content of [new TextEncoder().encode("abc"), parts("a", "bc")]) {
      await using read = tapRead(result(content), (chunk) => sums.push(chunk.length));
      expect(await text(read.content)).toBe("abc");
      expect(read.range).toEqual({ start: 0, end: 2 });
    }
    expect(sums).toEqual([3, 1, 2]);
    expect(disposed).toBe(2);
  });
});
