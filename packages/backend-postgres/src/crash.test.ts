import { query } from "@bulkhead/harness";
import { isFileError } from "@bulkhead/contract";
import { describe, expect, it, onTestFinished } from "vitest";
import { postgres } from "./postgres.ts";
import { cut, observedPools, type Observer } from "./test/observed.ts";
import { before, prepare, type Scenario, scenarios } from "./test/scenarios.ts";
import { emptied, sharedDatabase } from "./test/shared-database.ts";
import { at, ctx, tree } from "./test/tools.ts";

/** A prepared tree, and a backend over it whose queries go through `see` once the scenario runs. */
const striking = async (see: Observer) => {
  const url = await emptied(await sharedDatabase());
  const sound = postgres({ url, leaseMs: 0, graceMs: 0 });
  const preparing = postgres({ url });
  await prepare(preparing, ctx());
  await preparing.close();
  const pools = observedPools(see, { waitMs: 1000 });
  const struck = postgres({ url, pools });
  const end = async (): Promise<void> => {
    await struck.close();
    await pools.close();
    await sound.close();
  };
  return { url, sound, struck, end };
};

const left = async (url: string): Promise<number> =>
  (
    await query(
      url,
      "select from bulkhead.blob b where not exists (select from bulkhead.node where blob = b.id)",
    )
  ).length;

const asInterrupted = (scenario: Scenario, staged: string) => ({
  operation: scenario.operation,
  paths: scenario.paths.map(at),
  staged,
});

describe.each(["before", "after"] as const)("the process dies %s the Nth query", (when) => {
  it.each(scenarios)("of $name", async (scenario) => {
    const seen = new Set<string>();
    for (let nth = 1; ; nth++) {
      let queries = 0;
      let dead = false;
      const { url, sound, struck, end } = await striking(async (_name, go) => {
        queries += 1;
        // No code: nobody takes it for something the database said, and nothing more reaches it.
        if (dead || (queries === nth && when === "before")) {
          dead = true;
          throw new Error("crash");
        }
        const rows = await go();
        if (queries === nth) {
          dead = true;
          throw new Error("crash");
        }
        return rows;
      });
      let staged: string | undefined;
      const context = ctx(async ({ id }) => void (staged = id));
      await scenario.run(struck, context).catch(() => undefined);
      const done = queries < nth;
      if (!done) {
        const outcome =
          staged === undefined
            ? "uncommitted"
            : await sound.recover(ctx(), asInterrupted(scenario, staged));
        seen.add(outcome);
        expect(await tree(sound), `query ${nth}: ${outcome}`).toEqual(
          outcome === "done" ? scenario.after : before,
        );
        // As if the lease had lapsed.
        await query(
          url,
          "update bulkhead.blob set expires_at = now() - interval '1 s' where expires_at is not null",
        );
        await sound.sweep(ctx());
        expect(await left(url), `query ${nth}`).toBe(0);
        expect(await tree(sound)).toEqual(outcome === "done" ? scenario.after : before);
      }
      await end();
      if (done) break;
    }
    expect([...seen].sort()).toEqual(
      when === "before" ? ["uncommitted", "undone"] : ["done", "uncommitted"],
    );
  });
});

describe.each(["before", "after"] as const)("the connection goes %s the Nth query", (when) => {
  it.each(scenarios)("of $name", async (scenario) => {
    let succeeded = 0;
    for (let nth = 1; ; nth++) {
      let queries = 0;
      const { url, sound, struck, end } = await striking(async (_name, go) => {
        queries += 1;
        if (queries !== nth) return go();
        if (when === "after") await go();
        throw cut();
      });
      const outcome = await scenario.run(struck, ctx()).catch((error: unknown) => error);
      if (queries < nth) {
        await end();
        break;
      }
      if (outcome instanceof Error) {
        expect(isFileError(outcome, "unavailable") && outcome.retry).toBe("safe");
        expect(outcome.message).not.toMatch(/select|bulkhead|\//);
        expect(await tree(sound)).toEqual(before);
        await scenario.run(struck, ctx());
      } else succeeded += 1;
      expect(await tree(sound), `query ${nth}`).toEqual(scenario.after);
      await query(
        url,
        "update bulkhead.blob set expires_at = now() - interval '1 s' where expires_at is not null",
      );
      await sound.sweep(ctx());
      expect(await left(url)).toBe(0);
      await end();
    }
    // The answer to the effect was lost, and found out.
    expect(succeeded).toBe(when === "after" ? 1 : 0);
  });
});

it("uses no connection again that broke", async () => {
  let broken = false;
  const { struck, end } = await striking(async (_name, go) => {
    if (broken) return go();
    broken = true;
    throw cut();
  });
  onTestFinished(end);
  await expect(struck.stat(ctx(), at("f"))).rejects.toMatchObject({ code: "unavailable" });
  expect((await struck.stat(ctx(), at("f"))).size).toBe(3);
});
