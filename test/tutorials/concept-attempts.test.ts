// Concept page, row C15: a log of attempts to cross into another tenant.
//
// Changes against the published text: there the application writes such a log itself, by hand, after it has noticed; here
// the server writes it, whoever asks by whichever way, and the page's search in it is a listing with filters.
import type { WireAuditEntry } from "@bulkhead/wire";
import { waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Actor } from "./actors/actor.ts";
import { fronts } from "./actors/ways.ts";
import { meet, type Party, secretOf, type World } from "./actors/world.ts";

describe.each(fronts)("by $way", (front) => {
  const outside = front.refusal("denied", "outside-workspace");
  let world: World;
  let attacker: Party;
  let victim: Party;

  beforeAll(async () => {
    world = await meet(front);
    attacker = await world.party("tenant-b");
    victim = await world.party("tenant-a");
    await victim.actor.write("/data/report.txt", "of A");
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const mallory = async (): Promise<{ readonly id: string; readonly actor: Actor }> => {
    const minted = await attacker.actor.mintKey({ name: "m", workspacePrefix: attacker.root });
    return { id: minted.id, actor: world.as(secretOf(minted)) };
  };
  const entriesOf = async (by: Actor, key: string, tenant?: string): Promise<WireAuditEntry[]> =>
    (await by.audit(tenant)).filter((entry) => entry.key === key);

  it("every one is there, with who, what and why", async () => {
    const { id, actor } = await mallory();
    await actor.write("/own.txt", "mine");
    const target = "/workspace/tenant-a/data/report.txt";
    const attempts: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["read", () => actor.read(target)],
      ["stat", () => actor.stat(target)],
      ["list", () => actor.list("/workspace/tenant-a")],
      ["write", () => actor.write(target, "x")],
      ["append", () => actor.append(target, "x")],
      ["mkdir", () => actor.mkdir("/workspace/tenant-a/new")],
      ["remove", () => actor.remove(target)],
      ["copy", () => actor.copy(target, "/stolen.txt")],
      ["move", () => actor.move("/own.txt", target)],
    ];
    for (const [, attempt] of attempts) await expect(attempt()).rejects.toMatchObject(outside);
    const denied = await waitFor(async () => {
      const found = (await entriesOf(attacker.actor, id)).filter(
        ({ result }) => result !== "SUCCESS",
      );
      return found.length >= attempts.length ? found : undefined;
    });
    expect(denied.map(({ action }) => action).toSorted()).toEqual(
      attempts.map(([action]) => action).toSorted(),
    );
    for (const entry of denied)
      expect(entry).toMatchObject({
        tenant: "tenant-b",
        actor: `service:${id}@tenant-b`,
        result: "DENIED: outside-workspace",
        front: "http",
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        requestId: expect.stringMatching(/./),
      });
    const read = denied.find(({ action }) => action === "read");
    expect(read?.resource).toBe(target);
    const move = denied.find(({ action }) => action === "move");
    expect(move).toMatchObject({ resource: "/own.txt", detail: { to: target } });
    expect(new Set(denied.map(({ requestId }) => requestId)).size).toBe(denied.length);
    // What it was allowed to do is there as well, by the same key.
    expect(
      (await entriesOf(attacker.actor, id)).filter(({ result }) => result === "SUCCESS"),
    ).toMatchObject([{ action: "write" }]);
  });

  it("is read by the attacker's admin and the platform, never by the victim", async () => {
    const { id, actor } = await mallory();
    await expect(actor.read("/workspace/tenant-a/data/report.txt")).rejects.toMatchObject(outside);
    const seen = await waitFor(async () => {
      const found = await entriesOf(attacker.actor, id);
      return found.length > 0 ? found : undefined;
    });
    expect(await entriesOf(world.platform, id, "tenant-b")).toEqual(seen);
    expect(await entriesOf(victim.actor, id)).toEqual([]);
    expect(await entriesOf(world.platform, id, "tenant-a")).toEqual([]);
    expect((await victim.actor.audit()).every(({ tenant }) => tenant === "tenant-a")).toBe(true);
    const mismatch = front.refusal("denied", "tenant-mismatch");
    await expect(victim.actor.audit("tenant-b")).rejects.toMatchObject(mismatch);
    await expect(victim.actor.audit("tenant-z")).rejects.toMatchObject(mismatch);
    // Without the scope for it, not even one's own.
    await expect(actor.audit()).rejects.toMatchObject(front.refusal("denied", "scope-required"));
  });

  it("a prefix, a tenant's name or a key of another's is an attempt as well", async () => {
    const { id } = await mallory();
    const secret = secretOf(await attacker.actor.rotateKey(id, 60));
    const keyId = secret.slice(4, 20);
    await expect(
      world.as(secret, { workspacePrefix: "/workspace/tenant-a" }).list("/"),
    ).rejects.toMatchObject(outside);
    await expect(
      world.as(secret, { headers: { "X-Tenant-ID": "tenant-a" } }).list("/"),
    ).rejects.toMatchObject(front.refusal("denied", "tenant-mismatch"));
    await expect(
      attacker.actor.mintKey({ name: "k", workspacePrefix: victim.root }),
    ).rejects.toMatchObject(outside);
    await waitFor(async () => {
      const results = (await entriesOf(attacker.actor, keyId)).map(({ result }) => result);
      return (
        results.includes("DENIED: outside-workspace") && results.includes("DENIED: tenant-mismatch")
      );
    });
    await waitFor(async () =>
      (await entriesOf(attacker.actor, attacker.keyId)).some(
        ({ action, result }) => action === "key.mint" && result === "DENIED: outside-workspace",
      ),
    );
  });

  it("beyond twenty a minute of one key and reason, one entry says how many more", async () => {
    const { id, actor } = await mallory();
    const other = await mallory();
    const attempts = 50;
    await Promise.all(
      Array.from({ length: attempts }, (_, i) =>
        expect(actor.read(`/workspace/tenant-a/data/${i}.txt`)).rejects.toMatchObject(outside),
      ),
    );
    // Another key has a minute of its own.
    await expect(other.actor.read("/workspace/tenant-a/x")).rejects.toMatchObject(outside);
    const moreOf = ({ detail }: WireAuditEntry): number => Number(detail["more"] ?? 0);
    const entries = await waitFor(async () => {
      const found = await entriesOf(attacker.actor, id);
      const counted = found.reduce((sum, entry) => sum + Math.max(1, moreOf(entry)), 0);
      return counted >= attempts ? found : undefined;
    });
    const more = entries.filter((entry) => moreOf(entry) > 0);
    expect(entries.length - more.length).toBe(20);
    expect(more.reduce((sum, entry) => sum + moreOf(entry), 0)).toBe(attempts - 20);
    // One a second while they come, and these came within about one.
    expect(more.length).toBeLessThanOrEqual(3);
    expect(more[0]).toMatchObject({
      result: "DENIED: outside-workspace",
      detail: { summary: expect.stringMatching(/^\d+ more$/) },
    });
    await waitFor(async () => (await entriesOf(attacker.actor, other.id)).length === 1);
  });
});
