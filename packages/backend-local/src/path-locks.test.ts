import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Claim, type PathLocks, pathLocks } from "./path-locks.ts";
import { at, codeOf } from "./test/scratch.ts";

const entry = (path: string): Claim => ({ path: at(path), extent: "entry" });
const tree = (path: string): Claim => ({ path: at(path), extent: "tree" });
const shared = (claim: Claim): Claim => ({ ...claim, shared: true });

/** Takes claims until told to let go; `got` says whether it has them. */
const take = (locks: PathLocks, claims: readonly Claim[], signal?: AbortSignal) => {
  let release = (): void => {};
  const let_go = new Promise<void>((resolve) => (release = resolve));
  const state = { got: false };
  const done = locks.hold(claims, signal, async () => {
    state.got = true;
    await let_go;
  });
  return { state, done, release };
};

const compatible = async (a: Claim, b: Claim): Promise<boolean> => {
  const locks = pathLocks();
  const first = take(locks, [a]);
  const second = take(locks, [b]);
  await turn();
  expect(first.state.got).toBe(true);
  const both = second.state.got;
  first.release();
  await first.done;
  await turn();
  expect(second.state.got).toBe(true);
  second.release();
  await second.done;
  expect(locks.places()).toBe(0);
  return both;
};

describe("which claims stand together", () => {
  it.each<[string, Claim, Claim, boolean]>([
    ["two entries of one path", entry("a/b"), entry("a/b"), false],
    ["neighbours", entry("a/b"), entry("a/c"), true],
    ["a prefix that is no ancestor", tree("a/b"), entry("a/bc"), true],
    ["an entry and what is below it", entry("a"), entry("a/b"), true],
    ["a tree and what is below it", tree("a"), entry("a/b/c"), false],
    ["a tree and a tree below it", tree("a"), tree("a/b"), false],
    ["a tree and its neighbour", tree("a"), tree("b"), true],
    ["the root's tree and anything", tree(""), entry("x/y/z"), false],
    ["two shared entries", shared(entry("a")), shared(entry("a")), true],
    ["a shared and an exclusive entry", shared(entry("a")), entry("a"), false],
    ["a shared tree and an exclusive entry below", shared(tree("a")), entry("a/b"), false],
    ["a shared tree and a shared entry below", shared(tree("a")), shared(entry("a/b")), true],
    ["a shared entry and a tree above", shared(entry("a/b")), tree("a"), false],
  ])("%s", async (_name, a, b, together) => {
    expect(await compatible(a, b)).toBe(together);
    expect(await compatible(b, a)).toBe(together);
  });
});

describe("waiting", () => {
  it("is first come, first served, and readers do not starve a writer", async () => {
    const locks = pathLocks();
    const order: string[] = [];
    const first = take(locks, [shared(entry("a"))]);
    const run = (name: string, claim: Claim): Promise<void> =>
      locks.hold([claim], undefined, async () => void order.push(name));
    const rest = [
      run("writer", entry("a")),
      run("reader", shared(entry("a"))),
      run("remover", tree("")),
      run("below", entry("a/b")),
    ];
    await turn();
    expect(order).toEqual([]);
    first.release();
    await Promise.all(rest);
    expect(order).toEqual(["writer", "reader", "remover", "below"]);
    expect(locks.places()).toBe(0);
  });

  it("does not deadlock over two paths taken from both ends", async () => {
    const locks = pathLocks();
    let inside = 0;
    const paths = ["a", "a/b", "b", "c/d/e", "c", "c/d"];
    const jobs = Array.from({ length: 300 }, (_, i) => {
      const from = paths[(i * 7) % paths.length] ?? "a";
      const to = paths[(i * 5 + 1) % paths.length] ?? "b";
      return locks.hold([tree(from), tree(to), shared(entry("z"))], undefined, async () => {
        await turn();
        inside += 1;
      });
    });
    await Promise.all(jobs);
    expect(inside).toBe(300);
    expect(locks.places()).toBe(0);
  });

  it("ends when the request is given up, and lets the next one pass", async () => {
    const locks = pathLocks();
    const aborter = new AbortController();
    const reader = take(locks, [shared(entry("a/b"))]);
    const writer = take(locks, [entry("a/b")], aborter.signal);
    const second = take(locks, [shared(entry("a/b"))]);
    await turn();
    expect([writer.state.got, second.state.got]).toEqual([false, false]);
    aborter.abort();
    expect(await codeOf(writer.done)).toBe("aborted");
    await turn();
    expect(second.state.got).toBe(true);
    reader.release();
    second.release();
    await Promise.all([reader.done, second.done]);
    expect(await codeOf(locks.hold([entry("a")], aborter.signal, async () => {}))).toBe("aborted");
    expect(locks.places()).toBe(0);
  });

  it("lets go when the holder fails", async () => {
    const locks = pathLocks();
    await expect(
      locks.hold([tree("a")], undefined, () => Promise.reject(new Error("x"))),
    ).rejects.toThrow("x");
    expect(locks.places()).toBe(0);
  });

  it("takes as one what the file system takes as one", async () => {
    const locks = pathLocks((path) => path.toLowerCase());
    const one = take(locks, [tree("A")]);
    const other = take(locks, [entry("a/B")]);
    await turn();
    expect(other.state.got).toBe(false);
    one.release();
    other.release();
    await Promise.all([one.done, other.done]);
  });
});
