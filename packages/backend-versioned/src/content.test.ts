import { type Backend, FileError } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { chunksOf as wholeOrParts, overrideBackend, plainContext, streamBody } from "@bulkhead/kit";
import { afterAll, describe, expect, test } from "vitest";
import { frameRoom } from "./frame-room.ts";
import { frameBytes } from "./frames.ts";
import { listBlobs } from "./list-blobs.ts";
import { placeOf } from "./place.ts";
import { scrub } from "./scrub.ts";
import {
  at,
  bytesAt,
  pattern,
  put,
  request,
  testLedger,
  testTenant,
  textAt,
} from "./test/opened.ts";

const ledger = await testLedger();
afterAll(() => ledger[Symbol.asyncDispose]());

const inline = 16 * 1024;

/** Replaces what the content storage answers for every blob. */
const altered = (inner: Backend, alter: (bytes: Uint8Array) => Uint8Array): Backend =>
  overrideBackend(inner, {
    read: async (ctx, path, options) => {
      const whole = alter(await bytesAt(inner, path));
      const other = memory();
      await put(other, "x", whole, {}, plainContext());
      return other.read(ctx, at("x"), options);
    },
  });

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.slice(from, from + size);
}

describe("edges", () => {
  const sizes = [0, 1, inline - 1, inline, inline + 1, frameBytes - 1, frameBytes, frameBytes + 1];
  test.each([...sizes, 2 * frameBytes, 2 * frameBytes + 7])("%i bytes come back", async (size) => {
    const tenant = await testTenant(ledger.ledger);
    const content = memory();
    const backend = tenant.open(content);
    const bytes = pattern(size, size + 1);
    await put(backend, "declared", bytes);
    for (const [name, piece] of [
      ["pieces", 65_537],
      ["whole", Math.max(1, size)],
      // A piece that ends just before, on and just after the end of a frame.
      ["before", frameBytes - 1],
      ["on", frameBytes],
      ["after", frameBytes + 1],
    ] as const)
      await backend.write(request(), at(name), streamBody(chunksOf(bytes, piece)));
    for (const name of ["declared", "pieces", "whole", "before", "on", "after"]) {
      expect(Buffer.compare(await bytesAt(backend, name), bytes)).toBe(0);
      expect((await backend.stat(request(), at(name))).size).toBe(size);
    }
    // Up to the limit nothing leaves the row.
    expect(await listBlobs(request(), content)).toHaveLength(size > inline ? 6 : 0);
    for (const [start, end] of [
      [0, 0],
      [size - 1, size - 1],
      [inline - 1, inline],
      [frameBytes - 1, frameBytes],
      [frameBytes, frameBytes],
      [5, size - 6],
    ] as const)
      if (start >= 0 && start < size && end >= start) {
        const part = await bytesAt(backend, "pieces", { range: { start, end } });
        expect(Buffer.compare(part, bytes.subarray(start, end + 1))).toBe(0);
      }
    expect(
      await scrub(request(), store(tenant.tree.content, content), [tenant.tree.id]),
    ).toMatchObject({
      damaged: [],
      damagedRows: [],
      checked: size > inline ? 6 : 0,
    });
  });
});

const store = (name: string, content: Backend) => ({
  store: name,
  content,
  ledger: ledger.ledger.trees,
});

test("With a limit of 0 nothing but what is empty lies in the ledger", async () => {
  const tenant = await testTenant(ledger.ledger);
  const content = memory();
  const backend = tenant.open(content, ledger.ledger, { inlineLimit: 0 });
  await put(backend, "a", "x");
  await put(backend, "empty", "");
  expect(await listBlobs(request(), content)).toHaveLength(1);
  expect(
    await ledger.sql("select 1 from bulkhead.node_version where tree = $1 and length(inline) > 0", [
      tenant.tree.id,
    ]),
  ).toEqual([]);
});

const flipAt =
  (index: number) =>
  (bytes: Uint8Array): Uint8Array => {
    const flipped = bytes.slice();
    flipped[index] = (flipped[index] ?? 0) ^ 1;
    return flipped;
  };

describe("damage", () => {
  const size = 2 * frameBytes + 100;
  const damages: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array, number])[] = [
    ["a bit of the first frame", flipAt(0), 0],
    ["the last bit of the first frame", flipAt(frameBytes - 1), 0],
    ["a bit of the second frame", flipAt(frameBytes), frameBytes],
    ["a bit of the last frame", flipAt(size - 1), 2 * frameBytes],
    ["its last byte missing", (bytes) => bytes.slice(0, -1), 2 * frameBytes],
    ["its last frame missing", (bytes) => bytes.slice(0, 2 * frameBytes), 2 * frameBytes],
  ];
  test.each(damages)(
    "%s is refused, and nothing of its frame is sent",
    async (_, alter, intact) => {
      const tenant = await testTenant(ledger.ledger);
      const content = memory();
      await put(tenant.open(content), "big", pattern(size));
      const spoiled = altered(content, alter);
      let sent = 0;
      const drain = async (): Promise<void> => {
        await using read = await tenant.open(spoiled).read(request(), at("big"));
        if (read.content instanceof Uint8Array) throw new Error("A stream was expected.");
        for await (const chunk of read.content) sent += chunk.length;
      };
      await expect(drain()).rejects.toMatchObject({ code: "internal", retry: "never" });
      expect(sent).toBe(intact);
      const [blob] = await listBlobs(request(), content);
      expect((await scrub(request(), store(tenant.tree.content, spoiled))).damaged).toEqual([
        { blob: blob?.id, fault: "changed" },
      ]);
    },
  );

  test("A blob whose bytes are gone is refused when it is opened, and named", async () => {
    const tenant = await testTenant(ledger.ledger);
    const content = memory();
    const backend = tenant.open(content);
    await put(backend, "big", pattern(inline + 1));
    const [blob] = await listBlobs(request(), content);
    await content.remove(plainContext(), placeOf(blob?.id ?? ""));
    await expect(backend.read(request(), at("big"))).rejects.toMatchObject({ code: "internal" });
    expect((await scrub(request(), store(tenant.tree.content, content))).damaged).toEqual([
      { blob: blob?.id, fault: "missing" },
    ]);
  });

  test("What cannot be read is named beside the rest; a storage that is gone names nothing", async () => {
    const tenant = await testTenant(ledger.ledger);
    const content = memory();
    for (const name of ["a", "b", "c"]) await put(tenant.open(content), name, pattern(inline + 1));
    const ids = (await listBlobs(request(), content)).map((blob) => blob.id).toSorted();
    const sick = overrideBackend(content, {
      read: (ctx, path, options) =>
        path === placeOf(ids[1] ?? "")
          ? Promise.reject(new FileError("unavailable", "A sector cannot be read."))
          : content.read(ctx, path, options),
    });
    expect(await scrub(request(), store(tenant.tree.content, sick))).toMatchObject({
      checked: 3,
      damaged: [{ blob: ids[1], fault: "unreadable" }],
    });
    const gone = overrideBackend(sick, {
      probe: () => Promise.reject(new FileError("unavailable", "The storage is gone.")),
    });
    await expect(scrub(request(), store(tenant.tree.content, gone))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  test("A row that holds something else is named, and never sent", async () => {
    const tenant = await testTenant(ledger.ledger);
    const backend = tenant.open();
    for (let i = 0; i < 7; i++) await put(backend, `f${i}`, "intact");
    const { version = "" } = await put(backend, "small", "content");
    await put(backend, "small", "content");
    await ledger.sql(
      "update bulkhead.node_version set inline = 'c0ntent' where tree = $1 and n = $2",
      [tenant.tree.id, version],
    );
    const { damagedRows } = await scrub(request(), store("none", memory()), [tenant.tree.id]);
    expect(damagedRows).toMatchObject([{ tree: tenant.tree.id, version }]);
    // However few rows a statement looks at.
    for (const rows of [1, 2, 9, 10])
      expect(await ledger.ledger.trees.damagedRows(tenant.tree.id, rows)).toMatchObject([
        { version },
      ]);
    const refused = { code: "internal", retry: "never" };
    await expect(bytesAt(backend, "small", { version })).rejects.toMatchObject(refused);
    expect(await textAt(backend, "small")).toBe("content");
    await ledger.sql("update bulkhead.node_version set inline = 'c0ntent' where tree = $1", [
      tenant.tree.id,
    ]);
    await expect(bytesAt(backend, "small")).rejects.toMatchObject(refused);
    const range = { start: 2, end: 3 };
    await expect(bytesAt(backend, "small", { range })).rejects.toMatchObject(refused);
  });
});

const chunksIn = (content: Uint8Array | AsyncIterable<Uint8Array>): AsyncIterator<Uint8Array> =>
  wholeOrParts(content)[Symbol.asyncIterator]();

describe("room for frames", () => {
  const size = 3 * frameBytes + 99;
  const bytes = pattern(size, 5);

  test.each([
    ["none", frameRoom(0)],
    ["one, which whoever reads takes from the other", frameRoom(frameBytes, 0)],
  ])("%s: readers that take turns get what was stored", async (_name, room) => {
    const backend = (await testTenant(ledger.ledger)).open(memory(), ledger.ledger, { room });
    await put(backend, "f", bytes);
    const reader = async (start: number, end: number) => {
      const result = await backend.read(request(), at("f"), { range: { start, end } });
      const pieces: Uint8Array[] = [];
      return { pieces, end, start, result, source: chunksIn(result.content) };
    };
    const readers = [await reader(0, size - 1), await reader(100, size - 50)];
    for (let going = readers.length; going > 0;) {
      going = 0;
      for (const { source, pieces } of readers) {
        const step = await source.next();
        if (step.done === true) continue;
        pieces.push(step.value);
        going += 1;
      }
    }
    for (const { pieces, start, end, result } of readers) {
      await result[Symbol.asyncDispose]();
      expect(Buffer.compare(Buffer.concat(pieces), bytes.subarray(start, end + 1))).toBe(0);
    }
  });

  test("none: nothing of a frame that is damaged is sent", async () => {
    const inner = memory();
    const tenant = await testTenant(ledger.ledger);
    await put(tenant.open(inner), "f", bytes);
    const content = altered(inner, flipAt(2 * frameBytes - 1));
    const backend = tenant.open(content, ledger.ledger, { room: frameRoom(0) });
    await using result = await backend.read(request(), at("f"));
    let sent = 0;
    const reading = async (): Promise<void> => {
      for await (const chunk of { [Symbol.asyncIterator]: () => chunksIn(result.content) })
        sent += chunk.length;
    };
    await expect(reading()).rejects.toMatchObject({ code: "internal" });
    expect(sent).toBe(frameBytes);
  });

  test("none: a frame that is damaged between its two readings is not sent to its end", async () => {
    const inner = memory();
    const tenant = await testTenant(ledger.ledger);
    await put(tenant.open(inner), "f", bytes);
    let looks = 0;
    const content = altered(inner, (stored) => ((looks += 1) === 1 ? stored : flipAt(7)(stored)));
    const backend = tenant.open(content, ledger.ledger, { room: frameRoom(0) });
    await using result = await backend.read(request(), at("f"));
    let sent = 0;
    const reading = async (): Promise<void> => {
      for await (const chunk of { [Symbol.asyncIterator]: () => chunksIn(result.content) })
        sent += chunk.length;
    };
    await expect(reading()).rejects.toMatchObject({ code: "internal" });
    expect(sent).toBeLessThan(frameBytes);
  });
});
