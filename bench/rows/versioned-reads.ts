import { randomBytes } from "node:crypto";
import { bytesBody } from "@bulkhead/kit";
import { openLedger } from "@bulkhead/ledger";
import { callFunction } from "../baselines/call-function.ts";
import { durablePostgres } from "../durable-postgres.ts";
import { alternate, throughput } from "../measure.ts";
import { type Bench, least } from "../row.ts";
import { at, benchTenant } from "../tenants.ts";

const callers = 16;
const ms = 1500;

/** A small read is one round trip: pointer, stat, content and revisions together, beside the bare call of that function. */
export const versionedReads: Bench = {
  name: "versioned-reads",
  run: async ({ rounds, commitDelay }) => {
    await using postgres = await durablePostgres(commitDelay);
    const ledger = await openLedger({ url: postgres.url, masterKeyFingerprint: "bench" });
    await using bare = callFunction(postgres.url, "tree_read_v3", 5, 8);
    try {
      const { uid, tree, store, request } = await benchTenant(ledger, postgres.folder);
      const names = Array.from({ length: 256 }, (_, i) => `f${i}`);
      for (const name of names)
        await store.write(request(), at(`d/${name}`), bytesBody(randomBytes(4096)));
      const revisions = ["00000000-0000-0000-0000-000000000000", uid];
      const name = (turn: number): string => names[turn % names.length] ?? "f0";
      const [plain = 0, whole = 0] = await alternate(rounds, [
        () =>
          throughput(callers, ms, (_, turn) =>
            bare.call([uid, tree.id, ["d", name(turn)], null, revisions]),
          ),
        () =>
          throughput(callers, ms, async (_, turn) => {
            await using result = await store.read(request(), at(`d/${name(turn)}`));
            return result.stat;
          }),
      ]);
      return [
        {
          name: "versioned read 4 KiB, 16 callers",
          unit: "1/s",
          value: whole,
          baseline: { name: "bare call of the function", value: plain },
          ratio: whole / plain,
          goals: [least(0.8)],
        },
      ];
    } finally {
      await ledger.close();
    }
  },
};
