// Row N14, version history: every overwrite and delete can be read back and restored.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Actor } from "./actors/actor.ts";
import { fronts } from "./actors/ways.ts";
import { meet, secretOf, type World } from "./actors/world.ts";

describe.each(fronts)("by $way", (front) => {
  const missing = front.refusal("missing", "not-found");
  const outside = front.refusal("denied", "outside-workspace");
  let world: World;
  let acme: Actor;
  let beta: Actor;
  beforeEach(async () => {
    world = await meet(front);
    const member = async (id: string): Promise<Actor> => {
      await world.platform.makeTenant(id);
      const minted = await world.platform.mintKey({
        name: id,
        workspacePrefix: `/workspace/${id}`,
      });
      return world.as(secretOf(minted));
    };
    [acme, beta] = [await member("acme"), await member("beta")];
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it("reads back and restores every overwrite, and what was deleted with its directory", async () => {
    const drafts = ["draft one", "draft two!", "the third"];
    for (const text of drafts) await acme.write("/memory/agent.md", text);
    await acme.removeTree("/memory");
    await expect(acme.read("/memory/agent.md")).rejects.toMatchObject(missing);

    const past = await acme.versions("/memory/agent.md");
    expect(past.map(({ kind }) => kind)).toEqual(["remove", "write", "write", "write"]);
    const contents: string[] = [];
    for (const { kind, version } of past.toReversed())
      if (kind === "write") contents.push(await acme.readVersion("/memory/agent.md", version));
    expect(contents).toEqual(drafts);

    for (const [i, { version }] of past.slice(1).entries()) {
      await acme.restore("/memory/agent.md", version);
      expect(await acme.read("/memory/agent.md")).toBe(drafts[2 - i]);
    }
    const after = await acme.versions("/memory/agent.md");
    expect(after).toHaveLength(7);
    expect(after[0]).toMatchObject({ current: true, size: "draft one".length });
  });

  it("keeps a file's past under its new name, and from everybody else", async () => {
    await acme.write("/plan.txt", "before");
    await acme.write("/plan.txt", "after");
    await acme.move("/plan.txt", "/plans/2026.txt");
    const [, first] = await acme.versions("/plans/2026.txt");
    const version = first?.version ?? "";
    expect(await acme.readVersion("/plans/2026.txt", version)).toBe("before");
    await expect(acme.versions("/plan.txt")).rejects.toMatchObject(missing);
    for (const path of ["/workspace/acme/plans/2026.txt", "/workspace/acme/none"]) {
      await expect(beta.versions(path)).rejects.toMatchObject(outside);
      await expect(beta.readVersion(path, version)).rejects.toMatchObject(outside);
      await expect(beta.restore(path, version)).rejects.toMatchObject(outside);
    }
    expect(await acme.read("/plans/2026.txt")).toBe("after");
  });
});
