import { memory } from "@bulkhead/backend-memory";
import { recordPage, wireChange, wireVersion } from "@bulkhead/wire";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until, type World, worldOver } from "./test/world.ts";

let world: World;
beforeEach(async () => {
  world = await worldOver(memory());
});
afterEach(() => world.close());

const versionPage = recordPage(wireVersion);
const changePage = recordPage(wireChange);
const restore = (body: unknown, key?: string): Promise<Response> =>
  world.fetch("/v1/restore", {
    method: "POST",
    body: JSON.stringify(body),
    headers: {
      "Content-Type": "application/json",
      ...(key !== undefined && { "Idempotency-Key": key }),
    },
  });
const write = (path: string, body: string): Promise<Response> =>
  world.fetch(`/v1/files${path}`, { method: "PUT", body });
const text = async (path: string): Promise<string> =>
  (await world.fetch(`/v1/files${path}`)).text();

describe("versions", () => {
  it("are told newest first, page by page, for the path as it was sent", async () => {
    await write("/d%20x/f", "content");
    const answer = await world.fetch("/v1/versions/d%20x/f?limit=2");
    expect(answer.status).toBe(200);
    const page = versionPage.parse(await answer.json());
    expect(page.items).toMatchObject([
      { version: "3", kind: "write", size: 7, current: true, contentType: null },
      { version: "2", kind: "remove", size: 0, etag: null, current: false },
    ]);
    const link = /<([^>]+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1] ?? "";
    const rest = versionPage.parse(await (await world.fetch(link)).json());
    expect(rest).toMatchObject({ items: [{ version: "1" }], next: null });
    const elsewhere = await world.fetch(`/v1/versions/other?after=${page.next ?? ""}`);
    expect(elsewhere.status).toBe(400);
    expect((await world.fetch("/v1/versions/missing")).status).toBe(404);
    expect((await world.fetch("/v1/versions/a//b")).status).toBe(400);
    expect((await world.fetch("/v1/versions/f", { method: "POST" })).status).toBe(405);
  });
});

describe("restore", () => {
  it("answers as a write does, once for an Idempotency-Key", async () => {
    expect((await restore({ path: "/f", version: "1" })).status).toBe(201);
    expect(await text("/f")).toBe("restored");
    await write("/f", "newer");
    const again = await restore({ path: "/f", version: "1" }, "key");
    expect(again.status).toBe(200);
    expect(again.headers.get("etag")).not.toBeNull();
    expect(await again.json()).toMatchObject({ path: "/f", kind: "file", size: 8 });
    await write("/f", "newest");
    const replayed = await restore({ path: "/f", version: "1" }, "key");
    expect([replayed.status, replayed.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
    expect(await text("/f")).toBe("newest");
    expect((await restore({ path: "/f", version: "7" })).status).toBe(404);
    for (const body of [{ path: "/f" }, { path: "/f", version: 1 }, { path: "f", version: "1" }])
      expect((await restore(body)).status).toBe(400);
  });
});

describe("changes", () => {
  it("go on from a cursor, whatever was waited for, and from 'latest'", async () => {
    const ask = async (query: string): Promise<ReturnType<typeof changePage.parse>> => {
      const answer = await world.fetch(`/v1/changes?${query}`);
      expect(answer.status, query).toBe(200);
      return changePage.parse(await answer.json());
    };
    const first = await ask("limit=2");
    expect(first.items).toMatchObject([
      { seq: 1, kind: "move", path: "/own", from: null, version: null, etag: null },
      { seq: 2, from: "/from", version: "v", etag: "e" },
    ]);
    const second = await ask(`after=${first.next ?? ""}&wait=0.5&limit=7`);
    expect(second.items.map(({ seq }) => seq)).toEqual([3]);
    expect((await ask(`after=${second.next ?? ""}&wait=0.01`)).items).toEqual([]);
    expect((await ask("after=latest")).items).toEqual([]);
    const named = await ask("tenant=acme&limit=1");
    expect(named.items[0]?.path).toBe("/acme");
    for (const query of [
      "wait=31",
      "wait=x",
      "wait=-1",
      "limit=0",
      "after=3",
      `after=${first.next ?? ""}&tenant=acme`,
      `after=${first.next ?? ""}x`,
    ])
      expect((await world.fetch(`/v1/changes?${query}`)).status, query).toBe(400);
  });

  it("end their wait when the server ends", async () => {
    const waiting = world.fetch("/v1/changes?after=latest&wait=30");
    await until(() => world.seen.credentials.length > 0);
    await world.front.close({ graceMs: 20_000 });
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(changePage.parse(await answer.json()).items).toEqual([]);
  });
});
