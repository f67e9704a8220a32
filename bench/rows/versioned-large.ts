import { createHash, randomBytes } from "node:crypto";
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { chunksOf, streamBody } from "@bulkhead/kit";
import { openLedger } from "@bulkhead/ledger";
import { writeFile } from "../baselines/write-file.ts";
import { durablePostgres } from "../durable-postgres.ts";
import { alternate, elapsed } from "../measure.ts";
import { type Bench, least } from "../row.ts";
import { at, benchTenant } from "../tenants.ts";

const mib = 1024 * 1024;
const total = 100 * mib;

/** The bare file: read as it comes, and hashed. */
const readHashed = async (path: string): Promise<string> => {
  const hash = createHash("sha256");
  await using file = await open(path);
  const chunk = new Uint8Array(mib / 4);
  for (let read = await file.read(chunk); read.bytesRead > 0; read = await file.read(chunk))
    hash.update(chunk.subarray(0, read.bytesRead));
  return hash.digest("hex");
};

/**
 * One large body: streamed, hashed whole and by frames, synced and committed, beside write + SHA-256 + fsync. Both write
 * a new file, and it goes before the next is written: blocks and memory that a machine never used cost it more.
 */
export const versionedLarge: Bench = {
  name: "versioned-large",
  run: async ({ rounds, commitDelay }) => {
    await using postgres = await durablePostgres(commitDelay);
    const ledger = await openLedger({ url: postgres.url, masterKeyFingerprint: "bench" });
    try {
      const { store, request, content } = await benchTenant(ledger, postgres.folder);
      const chunk = randomBytes(mib / 4);
      const body = function* (): Generator<Uint8Array> {
        for (let sent = 0; sent < total; sent += chunk.length) yield chunk;
      };
      async function* arriving(): AsyncGenerator<Uint8Array> {
        yield* body();
      }
      const rate = (milliseconds: number): number => (total / mib / milliseconds) * 1000;
      const bare = join(postgres.folder, "bare");
      const kept = join(postgres.folder, "kept");
      await writeFile(kept, body());
      await store.write(request(), at("kept"), streamBody(arriving(), total));
      const stays = new Set(await readdir(content));
      const [plain = 0, whole = 0, plainRead = 0, wholeRead = 0] = await alternate(rounds, [
        async () => {
          const taken = rate(await elapsed(() => writeFile(bare, body())));
          await rm(bare);
          return taken;
        },
        async () => {
          const sent = streamBody(arriving(), total);
          const taken = rate(await elapsed(() => store.write(request(), at("large"), sent)));
          for (const name of await readdir(content))
            if (!stays.has(name)) await rm(join(content, name), { recursive: true });
          return taken;
        },
        async () => rate(await elapsed(() => readHashed(kept))),
        async () =>
          rate(
            await elapsed(async () => {
              await using read = await store.read(request(), at("kept"));
              for await (const piece of chunksOf(read.content)) if (piece.length === 0) break;
            }),
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
        {
          name: "versioned read 100 MiB, verified",
          unit: "MiB/s",
          value: wholeRead,
          baseline: { name: "read + SHA-256", value: plainRead },
          ratio: wholeRead / plainRead,
          goals: [],
        },
      ];
    } finally {
      await ledger.close();
    }
  },
};
