import { FileError } from "@bulkhead/contract";
import { describe, expect, it } from "vitest";
import { local } from "./local.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { observed } from "./test/observed.ts";
import { before, prepare, scenarios } from "./test/scenarios.ts";
import { at, ctx, leftovers, scratch, tree } from "./test/scratch.ts";

/** Opens a prepared root; once armed, the Nth call is given to `strike`. */
const striking = async (strike: () => never) => {
  const root = await scratch();
  let armed = 0;
  let calls = 0;
  let dead = false;
  const fs = observed(nodeFileSystem, () => {
    if (armed === 0) return;
    calls += 1;
    if (calls === armed || dead) strike();
  });
  const backend = await local({ root, fs });
  await prepare(root);
  return {
    root,
    backend,
    arm: (nth: number) => (armed = nth),
    die: () => (dead = true),
    struck: () => calls >= armed,
  };
};

describe("the Nth call to the disk fails", () => {
  for (const scenario of scenarios)
    for (const code of ["EIO"])
      it(scenario.name, async () => {
        let safely = 0;
        for (let nth = 1; ; nth++) {
          const at = await striking(() => {
            throw Object.assign(new Error(`secret ${at.root}`), { code });
          });
          at.arm(nth);
          const outcome = await scenario.run(at.backend, ctx()).then(
            () => undefined,
            (error: unknown) => error,
          );
          if (!at.struck()) break;
          const now = await tree(at.root);
          if (outcome === undefined) expect(now).toEqual(scenario.after);
          else {
            if (!(outcome instanceof FileError)) throw outcome;
            expect(outcome.code).toBe("unavailable");
            expect(outcome.detail).not.toContain("/");
            // `safe`: nothing changed. `never`: it is there, and only its durability is in doubt.
            expect(now, `call ${nth}`).toEqual(outcome.retry === "safe" ? before : scenario.after);
            if (outcome.retry === "safe") safely += 1;
          }
          const again = await local({ root: at.root });
          await again.sweep(ctx());
          expect(await leftovers(at.root)).toEqual([]);
          if (now["f"] === "old" && outcome !== undefined && outcome.retry === "safe")
            await expect(scenario.run(again, ctx())).resolves.not.toBe("nothing");
        }
        expect(safely).toBeGreaterThan(1);
      });
});

describe("the process dies before the Nth call to the disk", () => {
  for (const scenario of scenarios)
    it(scenario.name, async () => {
      const seen = new Set<string>();
      for (let nth = 1; ; nth++) {
        const crashed = await striking(() => {
          crashed.die();
          // No code: nobody takes it for something the disk said.
          throw new Error("crash");
        });
        crashed.arm(nth);
        let staged: string | undefined;
        await scenario
          .run(
            crashed.backend,
            ctx(async ({ id }) => {
              staged = id;
            }),
          )
          .catch(() => undefined);
        if (!crashed.struck()) break;

        const again = await local({ root: crashed.root });
        const outcome =
          staged === undefined
            ? "uncommitted"
            : await again.recover(ctx(), {
                operation: scenario.operation,
                paths: scenario.paths.map(at),
                staged,
              });
        seen.add(outcome);
        expect(await tree(crashed.root), `call ${nth}: ${outcome}`).toEqual(
          outcome === "done" ? scenario.after : before,
        );
        // What was recovered has been cleared up; the sweep is for what nobody asks for.
        if (staged !== undefined) expect(await leftovers(crashed.root), `call ${nth}`).toEqual([]);
        // Asked again, it says the same.
        if (staged !== undefined && scenario.paths[0] !== "")
          expect(
            await again.recover(ctx(), {
              operation: scenario.operation,
              paths: scenario.paths.map(at),
              staged,
            }),
          ).toBe(outcome);
        await again.sweep(ctx());
        expect(await leftovers(crashed.root)).toEqual([]);
        expect(await tree(crashed.root)).toEqual(outcome === "done" ? scenario.after : before);
      }
      expect([...seen].sort()).toEqual(["done", "uncommitted", "undone"]);
    });
});
