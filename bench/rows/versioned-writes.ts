import { randomBytes } from "node:crypto";
import { bytesBody } from "@bulkhead/kit";
import { openLedger } from "@bulkhead/ledger";
import { insertRow } from "../baselines/insert-row.ts";
import { durablePostgres } from "../durable-postgres.ts";
import { alternate, throughput } from "../measure.ts";
import { type Bench, least, type Row } from "../row.ts";
import { at, benchTenants } from "../tenants.ts";

const size = 4096;
const callers = 16;
const ms = 1500;

/** Small durable writes: content, version, condition, quota, audit and event in one commit, beside one bare insert. */
export const versionedWrites: Bench = {
  name: "versioned-writes",
  run: async ({ rounds, commitDelay }) => {
    await using postgres = await durablePostgres(commitDelay);
    const ledger = await openLedger({ url: postgres.url, masterKeyFingerprint: "bench" });
    await using bare = await insertRow(postgres.url, 8);
    try {
      const tenants = await benchTenants(ledger, postgres.folder, callers);
      const content = randomBytes(size);
      let n = 0;
      const writing = (count: number) => (): Promise<number> =>
        throughput(callers, ms, (caller) => {
          const tenant = tenants[caller % count];
          n += 1;
          return tenant === undefined
            ? Promise.reject(new Error("no tenant"))
            : tenant.store.write(
                tenant.request(),
                at(`d${caller}/f${n % 5000}`),
                bytesBody(content),
              );
        });
      const [inserts = 0, sixteen = 0, one = 0] = await alternate(rounds, [
        () => throughput(callers, ms, () => bare.insert(content)),
        writing(callers),
        writing(1),
      ]);
      const baseline = { name: "one-row insert of 4 KiB", value: inserts };
      const row = (name: string, value: number, goal: number): Row => ({
        name,
        unit: "1/s",
        value,
        baseline,
        ratio: value / inserts,
        goals: [least(goal, "value"), least(0.45)],
      });
      return [
        row("versioned write 4 KiB, 16 callers, 16 tenants", sixteen, 5000),
        row("versioned write 4 KiB, 16 callers, one tenant", one, 3000),
      ];
    } finally {
      await ledger.close();
    }
  },
};
