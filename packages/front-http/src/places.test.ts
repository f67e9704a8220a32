import { once } from "node:events";
import { connect } from "node:net";
import { memory } from "@bulkhead/backend-memory";
import { FileError, type Place } from "@bulkhead/contract";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { aliceKey, until, type World, worldOver } from "./test/world.ts";

/** More than the kernel takes for a reader that does not read. */
const size = 64 * 1024 * 1024;
async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < size; i += 65_536) yield new Uint8Array(65_536);
}
/** What the next request's `stream` does. */
let crowded: Error | undefined;
let throttle: Place["throttle"];
let full: World;

beforeAll(async () => {
  full = await worldOver(memory(), {
    session: (session) => ({
      read: async () => ({
        stat: { name: "big", kind: "file", size, modifiedAt: 0, etag: "e" },
        content: chunks(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
      list: async (ctx, path, options) => {
        if (path === "/refused") throw new FileError("forbidden", "No.");
        return session.list(ctx, path, options);
      },
    }),
    place: (place: Place): Place => ({
      ...place,
      throttle,
      stream: () => (crowded === undefined ? place.stream() : Promise.reject(crowded)),
    }),
  });
});
afterAll(() => full.close());
beforeEach(() => {
  crowded = undefined;
  throttle = undefined;
  full.seen.ended = 0;
  full.seen.streams = 0;
});

const raw = (head: string) => {
  const { hostname, port } = new URL(full.url);
  const socket = connect(Number(port), hostname);
  socket.write(`${head} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${aliceKey}\r\n`);
  return socket;
};

describe("places", () => {
  it("are given back with the answer, a refusal's too, and are no streams for small answers", async () => {
    const statuses = await Promise.all(
      ["/v1/whoami", "/v1/list/refused", "/v1/stat/nothing", "/v1/nowhere"].map(
        async (path) => (await full.fetch(path)).status,
      ),
    );
    expect(statuses).toEqual([200, 403, 404, 404]);
    const put = await full.fetch("/v1/files/small", { method: "PUT", body: "x" });
    expect(put.status).toBe(201);
    await until(() => full.seen.ended === 5);
    expect(full.seen.streams).toBe(0);
  });

  it("become a stream's while a client takes its time to read or to send", async () => {
    const reader = raw("GET /v1/files/big");
    reader.write("\r\n");
    await once(reader, "readable");
    await until(() => full.seen.streams === 1);
    expect(full.seen.ended).toBe(0);
    reader.destroy();
    await until(() => full.seen.ended === 1);

    const sender = raw("PUT /v1/files/slow");
    sender.write("Content-Length: 2\r\n\r\na");
    await until(() => full.seen.streams === 2);
    expect(full.seen.ended).toBe(1);
    sender.write("b");
    const [answer]: unknown[] = await once(sender, "data");
    expect(String(answer)).toContain("201 Created");
    await until(() => full.seen.ended === 2);
    sender.destroy();
  });

  it("slow bodies down both ways, in pieces no larger than said", async () => {
    const passed: number[] = [];
    throttle = {
      most: 1000,
      pass: async (bytes) => void passed.push(bytes),
    };
    const put = await full.fetch("/v1/files/up", { method: "PUT", body: "x".repeat(2500) });
    expect([put.status, passed]).toEqual([201, [1000, 1000, 500]]);
    await (await full.fetch("/v1/files/big", { headers: { range: "bytes=0-9" } })).arrayBuffer();
    const sum = passed.slice(3).reduce((all, bytes) => all + bytes, 0);
    expect([sum, Math.max(...passed)]).toEqual([size, 1000]);
    await (await full.fetch("/v1/files/up", { method: "HEAD" })).arrayBuffer();
    expect(passed.slice(3).reduce((all, bytes) => all + bytes, 0)).toBe(size);
  });

  it("say 503 with Retry-After where too many bodies are on their way", async () => {
    crowded = new FileError("unavailable", "Too many bodies.", { fields: { retryAfter: 1 } });
    const answer = await full.fetch("/v1/files/big");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    await until(() => full.seen.ended === 1);
  });

  it("render a long list as JSON.stringify does", async () => {
    const names = Array.from({ length: 60 }, (_, i) => `f${i}`);
    await Promise.all(
      names.map((name) => full.fetch(`/v1/files/many/${name}`, { method: "PUT", body: "" })),
    );
    const answer = await full.fetch("/v1/list/many");
    const text = await answer.text();
    const value: unknown = JSON.parse(text);
    expect(JSON.stringify(value)).toBe(text);
    expect(value).toMatchObject({ entries: { length: 60 } });
  });
});
