import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { streamBody } from "@bulkhead/kit";
import { openLedger } from "@bulkhead/ledger";
import { writeFile } from "../baselines/write-file.ts";
import { durablePostgres } from "../durable-postgres.ts";
import { alternate, elapsed } from "../measure.ts";
import { type Bench, least } from "../row.ts";
import { at, benchTenant } from "../tenants.ts";

const mib = 1024 * 1024;
const total = 100 * mib;

/** One large body: streamed, hashed whole and by frames, synced and committed, beside write + SHA-256 + fsync. */
export const versionedLarge: Bench = {
  name: "versioned-large",
  run: async ({ rounds, commitDelay }) => {
    await using postgres = await durablePostgres(commitDelay);
    const ledger = await openLedger({ url: postgres.url, masterKeyFingerprint: "bench" });
    try {
      const { store, request } = await benchTenant(ledger, postgres.folder);
      const chunk = randomBytes(mib / 4);
      const body = function* (): Generator<Uint8Array> {
        for (let sent = 0; sent < total; sent += chunk.length) yield chunk;
      };
      const rate = (milliseconds: number): number => (total / mib / milliseconds) * 1000;
      const [plain = 0, whole = 0] = await alternate(rounds, [
        async () => rate(await elapsed(() => writeFile(join(postgres.folder, "bare"), body()))),
        async () =>
          rate(
            await elapsed(() =>
              store.write(
                request(),
                at("large"),
                streamBody(
                  (async function* () {
                    yield* body();
                  })(),
                  total,
                ),
              ),
            ),
          ),
      ]);
      return [
        {
          name: "versioned write 100 MiB",
          unit: "MiB/s",
          value: whole,
          baseline: { name: "write + SHA-256 + fsync", value: plain },
          ratio: whole / plain,
          goals: [least(0.8)],
        },
      ];
    } finally {
      await ledger.close();
    }
  },
};
