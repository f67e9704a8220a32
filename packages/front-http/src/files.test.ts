import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memory } from "@bulkhead/backend-memory";
import { fileStat, problemSchema } from "@bulkhead/wire";
import { type World, worldOver } from "./test/world.ts";

let world: World;
beforeAll(async () => {
  world = await worldOver(memory());
});
afterAll(() => world.close());

const put = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  world.fetch(`/v1/files${path}`, { method: "PUT", body, headers });

describe("content", () => {
  it("comes back as it was put, with its headers", async () => {
    const made = await put("/a/b.txt", "hello", {
      "Content-Type": "text/x-note",
      "Bulkhead-Meta-Owner": "al%C3%A9",
    });
    expect(made.status).toBe(201);
    const stat = fileStat.parse(await made.json());
    expect(stat).toMatchObject({
      path: "/a/b.txt",
      name: "b.txt",
      kind: "file",
      size: 5,
      contentType: "text/x-note",
      metadata: { owner: "alé" },
    });
    expect(made.headers.get("etag")).toBe(`"${stat.etag}"`);
    const got = await world.fetch("/v1/files/a/b.txt");
    expect(got.status).toBe(200);
    expect(await got.text()).toBe("hello");
    expect(Object.fromEntries(got.headers)).toMatchObject({
      etag: `"${stat.etag}"`,
      "content-type": "text/x-note",
      "content-length": "5",
      "accept-ranges": "bytes",
      "bulkhead-meta-owner": "al%C3%A9",
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-store",
      vary: "Authorization",
    });
    expect(new Date(got.headers.get("last-modified") ?? "").getTime()).toBeGreaterThan(0);
    expect((await put("/a/b.txt", "again")).status).toBe(200);
  });

  it("answers HEAD with the headers of GET", async () => {
    await put("/head.txt", "hello");
    const keep = async (method: string): Promise<unknown> => {
      const { status, headers } = await world.fetch("/v1/files/head.txt", { method });
      // How the connection goes on is between the client and the server alone.
      const {
        date: _d,
        "x-request-id": _i,
        connection: _c,
        "keep-alive": _k,
        ...rest
      } = Object.fromEntries(headers);
      return { status, headers: rest };
    };
    expect(await keep("HEAD")).toEqual(await keep("GET"));
    for (const path of ["/none", "/a", "/a//b"]) {
      const [head, get] = await Promise.all([
        world.fetch(`/v1/files${path}`, { method: "HEAD" }),
        world.fetch(`/v1/files${path}`),
      ]);
      expect([path, head.status]).toEqual([path, get.status]);
      expect(get.status).toBeGreaterThanOrEqual(400);
      expect(await head.text()).toBe("");
    }
  });

  it("does not let a browser run it", async () => {
    for (const type of [
      "text/html",
      "Text/HTML; charset=utf-8",
      "image/svg+xml",
      "application/xhtml+xml",
      "text/xml",
      "application/atom+xml",
      "multipart/related",
    ]) {
      await put("/run", "<script>", { "Content-Type": type });
      const got = await world.fetch("/v1/files/run");
      expect([type, got.headers.get("content-disposition")]).toEqual([
        type,
        "attachment; filename*=UTF-8''run",
      ]);
      expect(got.headers.get("content-security-policy")).toContain("sandbox");
    }
    await put("/run", "x", { "Content-Type": "image/png" });
    expect((await world.fetch("/v1/files/run")).headers.get("content-disposition")).toBeNull();
  });

  it("is removed, a full directory only on purpose", async () => {
    await put("/gone/x", "x");
    expect((await world.fetch("/v1/files/gone", { method: "DELETE" })).status).toBe(409);
    expect((await world.fetch("/v1/files/gone?recursive=yes", { method: "DELETE" })).status).toBe(
      400,
    );
    const done = await world.fetch("/v1/files/gone?recursive=true", { method: "DELETE" });
    expect([done.status, await done.text()]).toEqual([204, ""]);
    expect((await world.fetch("/v1/files/gone", { method: "DELETE" })).status).toBe(404);
  });

  it("refuses what would change its meaning", async () => {
    expect((await put("/enc", "x", { "Content-Encoding": "gzip" })).status).toBe(415);
    expect((await put("/enc", "x", { "Content-Range": "bytes 0-0/1" })).status).toBe(400);
    expect((await put("/enc", "x", { "Bulkhead-Meta-A": "100%" })).status).toBe(400);
    expect((await world.fetch("/v1/stat/enc")).status).toBe(404);
  });
});

describe("ranges", () => {
  const content = randomBytes(1000);
  beforeAll(async () => {
    await world.fetch("/v1/files/range", { method: "PUT", body: content });
    await put("/empty", "");
  });
  it.each([
    ["bytes=0-4", 206, 0, 4],
    ["bytes=10-", 206, 10, 999],
    ["bytes=-5", 206, 995, 999],
    ["bytes=-5000", 206, 0, 999],
    ["bytes=990-5000", 206, 990, 999],
    ["BYTES= 0-0", 206, 0, 0],
    ["bytes=999-999", 206, 999, 999],
    ["bytes=1000-", 416, 0, 0],
    ["bytes=99999999999999999999-", 416, 0, 0],
    ["bytes=-0", 416, 0, 0],
    ["bytes=5-2", 200, 0, 999],
    ["bytes=-", 200, 0, 999],
    ["bytes=a-b", 200, 0, 999],
    ["bytes=0-1,4-5", 200, 0, 999],
    ["lines=0-1", 200, 0, 999],
  ])("%s", async (range, status, start, end) => {
    const got = await world.fetch("/v1/files/range", { headers: { Range: range } });
    expect(got.status).toBe(status);
    const expected =
      status === 416 ? "bytes */1000" : status === 206 ? `bytes ${start}-${end}/1000` : null;
    expect(got.headers.get("content-range")).toBe(expected);
    if (status === 416)
      expect(problemSchema.parse(await got.json()).code).toBe("range-not-satisfiable");
    else
      expect(Buffer.from(await got.arrayBuffer()).equals(content.subarray(start, end + 1))).toBe(
        true,
      );
  });
  it("selects nothing of an empty file", async () => {
    expect((await world.fetch("/v1/files/empty", { headers: { Range: "bytes=0-" } })).status).toBe(
      416,
    );
    expect((await world.fetch("/v1/files/empty")).headers.get("content-length")).toBe("0");
  });
  it("waits for the other conditions, and for If-Range", async () => {
    const etag = (await world.fetch("/v1/files/range")).headers.get("etag") ?? "";
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await world.fetch("/v1/files/range", { headers })).status;
    expect(await status({ Range: "bytes=0-1", "If-Range": etag })).toBe(206);
    expect(await status({ Range: "bytes=0-1", "If-Range": '"other"' })).toBe(200);
    expect(await status({ Range: "bytes=0-1", "If-Range": `W/${etag}` })).toBe(200);
    expect(
      await status({ Range: "bytes=0-1", "If-Range": new Date(Date.now() + 1e6).toUTCString() }),
    ).toBe(200);
    expect(await status({ Range: "bytes=5000-", "If-Range": '"other"' })).toBe(200);
    expect(await status({ Range: "bytes=5000-", "If-Range": etag })).toBe(416);
    expect(await status({ Range: "bytes=5000-", "If-None-Match": etag })).toBe(304);
    expect(await status({ Range: "bytes=5000-", "If-Match": '"other"' })).toBe(412);
    expect(await status({ Range: "bytes=0-1", "If-None-Match": etag })).toBe(304);
    expect(world.seen.opened).toBe(world.seen.disposed);
  });
});

describe("conditions", () => {
  it("of a GET follow RFC 9110", async () => {
    await put("/cond", "1");
    const first = await world.fetch("/v1/files/cond");
    const etag = first.headers.get("etag") ?? "";
    const modified = first.headers.get("last-modified") ?? "";
    const before = new Date(Date.parse(modified) - 5000).toUTCString();
    const rows: [Record<string, string>, number][] = [
      [{ "If-None-Match": etag }, 304],
      [{ "If-None-Match": `W/${etag}` }, 304],
      [{ "If-None-Match": `"x", ${etag}` }, 304],
      [{ "If-None-Match": "*" }, 304],
      [{ "If-None-Match": '"x"' }, 200],
      [{ "If-None-Match": "x" }, 400],
      [{ "If-Match": etag }, 200],
      [{ "If-Match": "*" }, 200],
      [{ "If-Match": `W/${etag}` }, 412],
      [{ "If-Match": '"x"' }, 412],
      [{ "If-Match": `"x" , ${etag}` }, 200],
      [{ "If-Match": "nonsense" }, 400],
      [{ "If-Modified-Since": modified }, 304],
      [{ "If-Modified-Since": before }, 200],
      [{ "If-Modified-Since": "nonsense" }, 200],
      [{ "If-Modified-Since": modified, "If-None-Match": '"x"' }, 200],
      [{ "If-Unmodified-Since": before }, 412],
      [{ "If-Unmodified-Since": modified }, 200],
      [{ "If-Unmodified-Since": before, "If-Match": etag }, 200],
    ];
    for (const method of ["GET", "HEAD"])
      for (const [headers, status] of rows) {
        const got = await world.fetch("/v1/files/cond", { method, headers });
        expect([method, headers, got.status]).toEqual([method, headers, status]);
        if (status === 304 || status === 412) expect(got.headers.get("etag")).toBe(etag);
        await got.arrayBuffer();
      }
    expect((await world.fetch("/v1/files/nope", { headers: { "If-Match": "*" } })).status).toBe(
      404,
    );
  });

  it("of a PUT and of a DELETE are judged with the effect", async () => {
    expect((await put("/c", "1", { "If-None-Match": "*" })).status).toBe(201);
    const clash = await put("/c", "2", { "If-None-Match": "*" });
    const etag = clash.headers.get("etag") ?? "";
    expect([clash.status, problemSchema.parse(await clash.json()).code]).toEqual([
      412,
      "precondition-failed",
    ]);
    expect(etag).not.toBe("");
    expect((await put("/c", "2", { "If-Match": '"x"' })).status).toBe(412);
    expect((await put("/c", "2", { "If-Match": `W/${etag}` })).status).toBe(412);
    expect((await put("/c", "2", { "If-Match": '"x", "y"' })).status).toBe(412);
    expect((await put("/c", "2", { "If-None-Match": etag })).status).toBe(400);
    expect((await put("/c", "2", { "If-None-Match": "*", "If-Match": etag })).status).toBe(400);
    expect((await put("/missing", "2", { "If-Match": "*" })).status).toBe(412);
    expect((await put("/missing", "2", { "If-Match": etag })).status).toBe(412);
    expect(await (await world.fetch("/v1/files/c")).text()).toBe("1");
    const second = await put("/c", "2", { "If-Match": `"x", ${etag}` });
    expect(second.status).toBe(200);
    expect((await put("/c", "3", { "If-Match": "*" })).status).toBe(200);
    expect((await put("/c", "4", { "If-Match": second.headers.get("etag") ?? "" })).status).toBe(
      412,
    );
    const now = (await world.fetch("/v1/files/c")).headers.get("etag") ?? "";
    expect(
      (await world.fetch("/v1/files/c", { method: "DELETE", headers: { "If-Match": etag } }))
        .status,
    ).toBe(412);
    expect(
      (await world.fetch("/v1/files/c", { method: "DELETE", headers: { "If-Match": now } })).status,
    ).toBe(204);
  });
});
