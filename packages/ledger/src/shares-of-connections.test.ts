import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fixture, fixture, settlement } from "./test/fixture.ts";

let world: Fixture;
beforeAll(async () => {
  world = await fixture();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("connections are shared out between tenants", () => {
  it("answers for one while the changes of two others wait", async () => {
    const { ledger } = world;
    const [a, b, c] = await Promise.all(
      ["flood-a", "flood-b", "calm"].map((id) => world.tenant(id)),
    );
    if (a === undefined || b === undefined || c === undefined) throw new Error("No tenants.");
    await using holder = await world.connect("bulkhead_system");
    await holder.client.query("begin");
    // Whoever changes something of these tenants waits for this transaction, on a connection of its own.
    for (const { uid } of [a, b])
      await holder.client.query("select pg_advisory_xact_lock(bulkhead.fence_key($1::uuid))", [
        uid,
      ]);
    const flood = [a, b].flatMap(({ uid }) =>
      Array.from({ length: 8 }, () =>
        ledger.onBehalfOf(uid, () =>
          ledger.tenants.patch(settlement(uid, [], { audit: undefined }), uid, { name: "x" }).then(
            () => "changed",
            (error: unknown) => error,
          ),
        ),
      ),
    );
    await new Promise((resume) => setTimeout(resume, 30));
    const calm = await ledger.onBehalfOf(c.uid, () =>
      Promise.all(Array.from({ length: 20 }, () => ledger.tenants.get("calm"))),
    );
    expect(calm.map((tenant) => tenant?.uid)).toEqual(Array(20).fill(c.uid));
    // What nobody asked for is served as well.
    expect((await ledger.tenants.get("calm"))?.uid).toBe(c.uid);
    await holder.client.query("rollback");
    const ends = await Promise.all(flood);
    expect(ends.filter((end) => end === "changed").length).toBeGreaterThan(0);
  });
});
