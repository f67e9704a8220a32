import { memory, type MemoryOptions } from "@bulkhead/backend-memory";
import { at, bench, chunked, conformance, context } from "@bulkhead/conformance";
import { describe, expect, it } from "vitest";

const open = (options: MemoryOptions) => bench(memory(options), 1);

// What a lesser backend answers is pinned too: the cases it cannot pass are skipped, all others hold.
conformance(
  { describe, it },
  {
    name: "memory that keeps less",
    open: () =>
      Promise.resolve({
        backend: memory({
          capability: { metadata: false, contentType: false, maxFileSize: 8_000_000 },
        }),
      }),
  },
);

describe("memory", () => {
  it("keeps no metadata and no content type where it declares none", async () => {
    const t = open({ capability: { metadata: false, contentType: false } });
    await t.put("f", "x", { metadata: { a: "b" }, contentType: "text/x" });
    expect(await t.stat("f")).not.toHaveProperty("metadata");
    expect(await t.stat("f")).not.toHaveProperty("contentType");
  });

  it("stops a body of unknown size at the largest file", async () => {
    const t = open({ capability: { maxFileSize: 4 } });
    await t.put("f", "1234");
    await expect(t.put("f", chunked(["123", "45"]))).rejects.toMatchObject({
      code: "too-large",
      fields: { limit: 4 },
    });
    expect(await t.get("f")).toBe("1234");
  });

  it("tells the time of its clock, or of the request", async () => {
    const own = open({ clock: () => 5 });
    await own.put("f", "x");
    expect((await own.stat("f")).modifiedAt).toBe(5);
    const other = open({});
    await other.put("d/f", "x", {}, context({ now: 9 }));
    expect((await other.stat("d/f")).modifiedAt).toBe(9);
    await other.put("d/f", "y", {}, context({ now: 7 }));
    expect(await other.stat("d/f")).toMatchObject({ modifiedAt: 9, createdAt: 9 });
  });

  it("does not let go of a path's locks to a request that was cancelled while it waited", async () => {
    const t = open({});
    const controller = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = t.put("f", "first", {}, context({ commit: () => promise }));
    const second = t.put("f", "second", {}, context({ signal: controller.signal }));
    controller.abort();
    resolve();
    await first;
    await expect(second).rejects.toMatchObject({ code: "aborted" });
    expect(await t.get("f")).toBe("first");
    await t.put("f", "third");
  });

  it("answers 'unavailable' once it is closed, and knows no region", async () => {
    const backend = memory();
    await backend.probe(context());
    expect(await backend.region()).toBeUndefined();
    await backend.close();
    await expect(backend.probe(context())).rejects.toMatchObject({ code: "unavailable" });
    await expect(backend.stat(context(), at("f"))).rejects.toMatchObject({ code: "unavailable" });
  });
});
