import { randomBytes } from "node:crypto";
import { s3 } from "@bulkhead/backend-s3";
import { type BackendPath, parseBackendPath } from "@bulkhead/contract";
import { ownS3, tempDir, testBucket } from "@bulkhead/harness";
import { bytesBody, chunksOf, plainContext, streamBody } from "@bulkhead/kit";
import { sdkAlone } from "../baselines/s3-sdk.ts";
import { alternate, elapsed, throughput } from "../measure.ts";
import { type Bench, least, most, type Row } from "../row.ts";

const mib = 1024 ** 2;
const large = 100 * mib;
const keys = 100_000;
const callers = 16;
const ms = 2000;
const at = (path: string): BackendPath => parseBackendPath(path);

const chunk = randomBytes(mib / 4);
function* chunks(size: number): Generator<Uint8Array> {
  for (let sent = 0; sent < size; sent += chunk.length) yield chunk;
}
async function* arriving(size: number): AsyncGenerator<Uint8Array> {
  yield* chunks(size);
}

/** A bucket as a storage beside the SDK alone, on one server: small and large content both ways, and a long listing. */
export const bucket: Bench = {
  name: "s3",
  run: async ({ rounds }) => {
    await using dir = await tempDir();
    await using server = await ownS3("seaweedfs", dir.path);
    const { options } = await testBucket(server);
    const bare = sdkAlone(options);
    const backend = await s3(options);
    const ctx = plainContext();
    const small = randomBytes(4096);
    let n = 0;
    const next = (folder: string): string => `${folder}/f${(n += 1)}`;
    const read = async (path: string): Promise<void> => {
      await using answer = await backend.read(ctx, at(path));
      for await (const piece of chunksOf(answer.content)) if (piece.length === 0) break;
    };
    const rate = async (work: () => Promise<unknown>): Promise<number> =>
      (large / mib / (await elapsed(work))) * 1000;
    const row = (name: string, unit: string, value: number, base: number): Row => ({
      name,
      unit,
      value,
      baseline: { name: "the SDK alone", value: base },
      ratio: value / base,
      goals: [least(0.85)],
    });
    try {
      await bare.put("small", small);
      await bare.putStream("large", chunks(large), large);
      await Promise.all(
        Array.from({ length: 64 }, async (_, first) => {
          for (let i = first; i < keys; i += 64)
            await bare.put(`many/f${String(i).padStart(6, "0")}`, small.subarray(0, 1));
        }),
      );
      const [w0 = 0, w1 = 0, o0 = 0, o1 = 0, r0 = 0, r1 = 0] = await alternate(rounds, [
        () => throughput(callers, ms, () => bare.put(next("bare"), small)),
        () => throughput(callers, ms, () => backend.write(ctx, at(next("own")), bytesBody(small))),
        () => throughput(1, ms, () => bare.put(next("bare"), small)),
        () => throughput(1, ms, () => backend.write(ctx, at(next("own")), bytesBody(small))),
        () => throughput(callers, ms, () => bare.get("small")),
        () => throughput(callers, ms, () => read("small")),
      ]);
      const [lw0 = 0, lw1 = 0, lr0 = 0, lr1 = 0, ls0 = 0, ls1 = 0] = await alternate(rounds, [
        () => rate(() => bare.putStream("bare-large", chunks(large), large)),
        () => rate(() => backend.write(ctx, at("own-large"), streamBody(arriving(large), large))),
        () => rate(() => bare.get("large")),
        () => rate(() => read("large")),
        () => throughput(1, ms, () => bare.list("many/", "many/f050000")),
        () => throughput(1, ms, () => backend.list(ctx, at("many"), { after: "f050000" })),
      ]);
      return [
        row("bucket write 4 KiB, 16 callers", "1/s", w1, w0),
        row("bucket write 4 KiB, one caller", "1/s", o1, o0),
        row("bucket read 4 KiB, 16 callers", "1/s", r1, r0),
        row("bucket write 100 MiB", "MiB/s", lw1, lw0),
        row("bucket read 100 MiB", "MiB/s", lr1, lr0),
        row("bucket list 1,000 of 100,000 keys", "1/s", ls1, ls0),
      ];
    } finally {
      await backend.close();
      bare.close();
    }
  },
};

/** What memory an upload of 5 GiB takes whose length nobody knows. */
export const bucketMemory: Bench = {
  name: "s3-memory",
  run: async () => {
    await using dir = await tempDir();
    await using server = await ownS3("seaweedfs", dir.path);
    const { options } = await testBucket(server);
    const backend = await s3(options);
    const size = 5 * 1024 * mib;
    try {
      await backend.write(plainContext(), at("warm"), streamBody(arriving(64 * mib)));
      const before = process.memoryUsage.rss();
      let peak = before;
      const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
      const stored = await backend.write(plainContext(), at("huge"), streamBody(arriving(size)));
      clearInterval(timer);
      if (stored.size !== size) throw new Error("It was stored with another length.");
      return [
        {
          name: "bucket memory above rest, 5 GiB of unknown length",
          unit: "MiB",
          value: (peak - before) / mib,
          goals: [most(256)],
        },
      ];
    } finally {
      await backend.close();
    }
  },
};
