import { type Backend, type Operation, parseBackendPath } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { bytesBody, collect, plainContext, textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { atRandom, type Chaos, chaos, nthCall, perOperation } from "../index.ts";

const ctx = plainContext();
const path = parseBackendPath;
const around = async (faults: Chaos): Promise<Backend> => {
  const inner = memory();
  await inner.write(ctx, path("f"), bytesBody(new Uint8Array(8)));
  return faults.layer(inner);
};
const bitsOf = async (backend: Backend): Promise<number> => {
  await using read = await backend.read(ctx, path("f"));
  return (await collect(read.content)).reduce(
    (sum, byte) => sum + byte.toString(2).split("1").length - 1,
    0,
  );
};

describe("chaos", () => {
  it("fails exactly the nth call, and tells what it did", async () => {
    const faults = chaos({ schedule: nthCall(2, "unavailable-before") });
    const backend = await around(faults);
    await backend.stat(ctx, path("f"));
    await expect(backend.mkdir(ctx, path("d"))).rejects.toMatchObject({ code: "unavailable" });
    await backend.mkdir(ctx, path("d"));
    expect(faults.injected).toEqual([
      { n: 2, operation: "mkdir", paths: ["d"], fault: "unavailable-before" },
    ]);
    expect(faults.calls()).toBe(3);
  });

  it("does not pretend to have injected what an operation cannot meet", async () => {
    const faults = chaos({ schedule: nthCall(1, "torn-write") });
    await (await around(faults)).stat(ctx, path("f"));
    expect(faults.injected).toEqual([]);
  });

  it("counts each operation by itself where it is told so", async () => {
    const schedule = perOperation({ stat: [undefined, "wrong-etag"], list: ["wrong-etag"] });
    const backend = await around(chaos({ schedule }));
    const etags: (string | undefined)[] = [];
    for (let i = 0; i < 3; i++) etags.push((await backend.stat(ctx, path("f"))).etag);
    expect(etags[0]).toBe(etags[2]);
    expect(etags[1]).toMatch(/^wrong-/);
    expect((await backend.list(ctx, path(""))).entries[0]?.etag).toMatch(/^wrong-/);
  });

  it("does the same for the same seed, and something else for another", async () => {
    const run = async (seed: number): Promise<string> => {
      const faults = chaos({ schedule: atRandom(seed, 0.3, ["unavailable-before", "bit-flip"]) });
      const backend = await around(faults);
      for (let i = 0; i < 100; i++) {
        await backend.stat(ctx, path("f")).catch(() => undefined);
        await backend.write(ctx, path("g"), textBody("x")).catch(() => undefined);
      }
      return faults.injected.map(({ n, fault }) => `${n} ${fault}`).join();
    };
    const first = await run(7);
    expect(await run(7)).toBe(first);
    expect(await run(8)).not.toBe(first);
    const hits = first.split(",");
    expect(hits.length).toBeGreaterThan(30);
    expect(hits.length).toBeLessThan(90);
    expect(new Set(hits.map((hit) => hit.split(" ")[1]))).toEqual(
      new Set(["unavailable-before", "bit-flip"]),
    );
  });

  it("turns exactly one bit, on the way in and on the way out", async () => {
    const out = await around(chaos({ schedule: nthCall(1, "bit-flip") }));
    expect([await bitsOf(out), await bitsOf(out)]).toEqual([1, 0]);
    const into = await around(chaos({ schedule: nthCall(1, "bit-flip") }));
    await into.write(ctx, path("f"), bytesBody(new Uint8Array(8)));
    expect([await bitsOf(into), await bitsOf(into)]).toEqual([1, 1]);
  });

  it("acknowledges half of a torn write, and ends a short reading as if it were whole", async () => {
    const plan: Partial<Record<Operation, readonly ["torn-write"] | readonly ["short-read"]>> = {
      write: ["torn-write"],
      read: ["short-read"],
    };
    const backend = await around(chaos({ schedule: perOperation(plan) }));
    expect((await backend.write(ctx, path("g"), textBody("12345678"))).size).toBe(4);
    await using read = await backend.read(ctx, path("f"));
    expect((await collect(read.content)).length).toBe(4);
  });
});
