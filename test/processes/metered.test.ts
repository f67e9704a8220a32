// Every accepted operation is metered once, though the server is killed in the midst of them: writes by their commits,
// reads by what their server had noted, which the next server brings in.
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RemoteFS } from "@bulkhead/client";
import { bulkhead, query, tempDir, testDatabase } from "@bulkhead/harness";
import { migrate } from "@bulkhead/ledger";
import { expect, it } from "vitest";

const kills = Number(process.env["BULKHEAD_METER_KILLS"] ?? 2);
const month = new Date().toISOString().slice(0, 7);

it(
  `reads and writes are counted once each over ${kills} kills`,
  { timeout: 120_000 + kills * 20_000 },
  async () => {
    await using ends = new AsyncDisposableStack();
    const dir = ends.use(await tempDir());
    const dataDir = join(dir.path, "data");
    const database = await testDatabase({ migrate });
    ends.defer(() => database.close());
    const platformKey = randomBytes(24).toString("hex");
    const start = async () => {
      const server = bulkhead(
        ["serve", "--port", "0", "--data-dir", dataDir, "--database-url", database.url],
        { env: { BULKHEAD_PLATFORM_KEY: platformKey } },
      );
      ends.use(server);
      const url = await server.url();
      return { server, fs: new RemoteFS({ url, apiKey: platformKey, retry: false }) };
    };
    const journals = () => readdir(join(dataDir, "journals"));

    let { server, fs } = await start();
    await fs.tenants.create({ id: "acme" });
    await fs.writeFile("/workspace/acme/f", "content");
    const done = { writes: 1, reads: 0 };
    const begun = { writes: 1, reads: 0 };

    for (let kill = 0; kill < kills; kill++) {
      let over = false;
      const current = fs;
      const loop = async (kind: "writes" | "reads", run: (i: number) => Promise<unknown>) => {
        for (let i = 0; !over; i++) {
          begun[kind] += 1;
          try {
            await run(i);
          } catch {
            return;
          }
          done[kind] += 1;
        }
      };
      const loops = [
        ...[1, 2, 3].map((n) =>
          loop("writes", (i) => current.writeFile(`/workspace/acme/${n}/${i % 5}`, `${i}`)),
        ),
        ...[1, 2, 3].map(() => loop("reads", () => current.readFile("/workspace/acme/f"))),
      ];
      const enough = done.reads + 30;
      while (done.reads < enough) await sleep(10);
      // At whatever moment between two absorptions.
      await sleep(Math.random() * 700);
      await server.kill();
      over = true;
      await Promise.all(loops);
      expect((await journals()).length).toBeGreaterThan(0);
      ({ server, fs } = await start());
    }

    const bill = await fs.bills.get("acme", month);
    // What was answered counts; what was on its way when its server was killed counts at most once.
    for (const kind of ["writes", "reads"] as const) {
      expect([kind, bill[kind] >= done[kind]]).toEqual([kind, true]);
      expect([kind, bill[kind] <= begun[kind]]).toEqual([kind, true]);
    }
    expect(begun.reads - done.reads).toBeLessThanOrEqual(3 * kills);
    const [row] = await query(
      database.url,
      `select (select count(*)::int from bulkhead.node_version) as versions,
       (select sum(bytes_out)::int from bulkhead.usage_hour) as bytes, (select count(*)::int from bulkhead.usage_journal) as journals`,
    );
    // Each write made a version: that is how many there were.
    expect(row).toEqual({
      versions: bill.writes,
      bytes: bill.reads * "content".length,
      journals: 0,
    });
    // What was brought in is gone, and asking again counts nothing again.
    expect(await journals()).toEqual([]);
    expect(await fs.bills.get("acme", month)).toEqual(bill);
    await server.stop();
  },
);
