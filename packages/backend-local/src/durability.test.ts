import { describe, expect, it } from "vitest";
import { local } from "./local.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { observed } from "./test/observed.ts";
import { prepare, scenarios } from "./test/scenarios.ts";
import { ctx, leftovers, scratch, tree } from "./test/scratch.ts";

const effects = ["link", "rename", "mkdir", "rmdir", "unlink"];

/** What is synced and when: names relative to the root, what is staged as `S`. */
const logOf = async (scenario: (typeof scenarios)[number], durability: "strict" | "relaxed") => {
  const root = await scratch();
  const log: string[] = [];
  const name = (path: string): string =>
    path === root
      ? "."
      : path.slice(root.length + 1).replace(/^\.bulkhead\/(staging|trash)\/[0-9a-f]+/, "S");
  const fs = observed(nodeFileSystem, (call, ...paths) => {
    const to = paths.at(-1) ?? "";
    if (call === "sync" || call === "datasync") log.push(`${call} ${name(to)}`);
    if (effects.includes(call) && !name(to).startsWith("S")) log.push(`effect ${name(to)}`);
    if (call === "write" || call === "copyFile") log.push(`content ${name(to)}`);
  });
  const backend = await local({ root, durability, fs });
  await prepare(root);
  log.length = 0;
  await scenario.run(
    backend,
    ctx(async () => {
      log.push("commit");
    }),
  );
  log.push("resolved");
  expect(await tree(root)).toEqual(scenario.after);
  expect(await leftovers(root)).toEqual([]);
  return log;
};

describe("what is synced, by name and in order, before an operation resolves", () => {
  for (const scenario of scenarios) {
    it(scenario.name, async () => {
      const log = await logOf(scenario, "strict");
      const synced = log.filter((line) => /^(sync|datasync|commit)/.test(line));
      // Siblings are copied in the order in which the disk lists them.
      const order = (lines: readonly string[]): readonly string[] =>
        scenario.name === "copy of a directory" ? [...lines].sort() : lines;
      expect(order(synced)).toEqual(order(scenario.syncs));
      const commit = log.indexOf("commit");
      const lastEffect = log.findLastIndex((line) => line.startsWith("effect"));
      for (const [i, line] of log.entries()) {
        // Content is on disk before it may be seen; entries are synced after they were made, before the answer.
        if (line.startsWith("content"))
          expect(log.indexOf(line.replace("content", "datasync"))).toBeGreaterThan(i);
        if (/sync S/.test(line)) expect(i).toBeLessThan(commit);
        else if (line.startsWith("sync")) expect(i).toBeGreaterThan(lastEffect);
        if (line.startsWith("effect")) expect(i).toBeGreaterThan(commit);
      }
      expect(log.at(-1)).toBe("resolved");
    });

    it(`${scenario.name}: nothing when relaxed`, async () => {
      expect((await logOf(scenario, "relaxed")).filter((line) => /sync/.test(line))).toEqual([]);
    });
  }

  it("declares what it does", async () => {
    const root = await scratch();
    expect((await local({ root })).capability.durable).toBe(true);
    expect((await local({ root, durability: "relaxed" })).capability.durable).toBe(false);
  });
});
