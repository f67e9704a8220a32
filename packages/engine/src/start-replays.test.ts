import { deprovision } from "@bulkhead/backend-postgres";
import { query, testDatabase, waitFor } from "@bulkhead/harness";
import { migrate } from "@bulkhead/ledger";
import { MountTable } from "@bulkhead/vfs";
import { expect, it, onTestFinished } from "vitest";
import { replayPostgres } from "./open-postgres.ts";
import { startReplays } from "./start-replays.ts";
import { tenantWorld } from "./test/tenant-world.ts";

it("settles what is left of tenants nobody asks for, one that cannot be opened beside one that can", async () => {
  const database = await testDatabase({ migrate });
  onTestFinished(() => database.close());
  const world = await tenantWorld({ url: database.url });
  onTestFinished(() => world.close());
  const [unready, ready] = [await world.create("unready"), await world.create("ready")];
  await world.provision(ready.uid);
  onTestFinished(() => deprovision({ adminUrl: database.url, name: ready.databaseName ?? "" }));
  for (const { uid } of [unready, ready])
    await world.ledger.intents.begin(world.settlement(uid), {
      mount: `root:${uid}`,
      fencing: undefined,
      operation: "write",
      paths: ["f"],
      size: 1,
    });
  const left = async (): Promise<readonly unknown[]> =>
    (await query(database.url, "select tenant from bulkhead.intent")).map(({ tenant }) => tenant);

  const told: string[] = [];
  const { roots } = await world.ledger.roots.all();
  const stop = startReplays({
    intents: world.ledger.intents,
    roots: { all: () => roots, table: () => MountTable.of([]) },
    templates: {
      hasDatabase: () => true,
      idOf: (root) => `root:${root.tenant.uid}`,
      replay: (root) => replayPostgres(world.mountOf(root.tenant.uid)),
    },
    log: (event, { root }) => told.push(`${event} ${String(root)}`),
    everyMs: 20,
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  // Their leases are not over yet.
  expect(await left()).toHaveLength(2);
  expect(told).toEqual([]);
  await query(database.url, "update bulkhead.intent set lease = bulkhead.now()");
  await waitFor(async () => (await left()).length === 1 && told.length > 0);
  await stop();
  expect(await left()).toEqual([unready.uid]);
  expect(new Set(told)).toEqual(new Set(["replay-failed /workspace/unready"]));
  const after = told.length;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(told).toHaveLength(after);
});
