import { memory } from "@bulkhead/backend-memory";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type World, worldOver } from "./test/world.ts";

const page = "https://app.example.com";

describe("pages from elsewhere", () => {
  let closed: World;
  let world: World;
  beforeAll(async () => {
    closed = await worldOver(memory());
    world = await worldOver(memory(), { corsOrigins: [page] });
    await world.fetch("/v1/files/a", { method: "PUT", body: "content" });
  });
  afterAll(async () => {
    await closed.close();
    await world.close();
  });

  const saysNothing = ({ headers }: Response): void =>
    expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
  const question = {
    method: "OPTIONS",
    headers: {
      "access-control-request-method": "PUT",
      "access-control-request-headers": "authorization,if-match,bulkhead-meta-x,x-evil",
    },
  };
  const asked = (at: World, origin: string, target = "/v1/files/a") =>
    fetch(`${at.url}${target}`, { ...question, headers: { ...question.headers, origin } });

  it("are told nothing unless they are let in", async () => {
    saysNothing(await closed.fetch("/v1/files/a", { headers: { origin: page } }));
    expect((await asked(closed, page)).status).toBe(401);
    for (const origin of ["https://app.example.com.evil.net", "null", "http://app.example.com"]) {
      const read = await world.fetch("/v1/files/a", { headers: { origin } });
      saysNothing(read);
      // Or a cache between would give one page's answer to another.
      expect(read.headers.get("vary")).toBe("Authorization, Origin");
      saysNothing(await asked(world, origin));
    }
  });

  it("may send what the API takes, and see what it answers, without credentials", async () => {
    for (const target of ["/v1/files/a", "/v1/uploads", "/v1/nowhere"]) {
      // A question has no key.
      const { status, headers } = await asked(world, page, target);
      expect([status, headers.get("access-control-allow-origin")]).toEqual([204, page]);
      expect(headers.get("access-control-allow-credentials")).toBeNull();
      expect(headers.get("access-control-allow-methods")).toContain("PATCH");
      const allowed = headers.get("access-control-allow-headers") ?? "";
      for (const name of ["authorization", "if-match", "range", "bulkhead-meta-x", "upload-offset"])
        expect(allowed.split(", ")).toContain(name);
      expect(allowed).not.toContain("x-evil");
    }
    const answers = [
      await world.fetch("/v1/files/a", { headers: { origin: page } }),
      await world.fetch("/v1/files/missing", { headers: { origin: page } }),
      await fetch(`${world.url}/v1/files/a`, { headers: { origin: page } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 401]);
    for (const { headers } of answers) {
      expect(headers.get("access-control-allow-origin")).toBe(page);
      expect(headers.get("vary")).toBe("Authorization, Origin");
      const seen = headers.get("access-control-expose-headers") ?? "";
      for (const name of ["ETag", "Bulkhead-Version", "Retry-After", "RateLimit"])
        expect(seen.split(", ")).toContain(name);
    }
  });
});
