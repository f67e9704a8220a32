import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { api, makeTenant } from "../support/api.ts";
import { rawRequest } from "../support/raw-request.ts";
import { entriesOf } from "../support/shapes.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { spellings } from "./spellings.ts";

const statusOf: Readonly<Record<string, number>> = {
  "invalid-path": 400,
  "outside-workspace": 403,
};

describe("a hundred spellings of a path, sent as they are", () => {
  let server: TestServer;
  let keyA: string;
  let keyB: string;
  beforeAll(async () => {
    server = await startServer();
    const platform = api(server.url, server.platformKey);
    keyA = await makeTenant(platform, "tenant-a");
    keyB = await makeTenant(platform, "tenant-b");
    await makeTenant(platform, "tenant-ab");
    await makeTenant(platform, "tenant_a");
    await api(server.url, keyB).send("PUT", "/v1/files/x", { body: "of tenant b" });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const namesOf = async (key: string): Promise<readonly string[]> => {
    const listed = await api(server.url, key).send("GET", "/v1/list/?recursive=true&limit=1000");
    return entriesOf(listed)
      .filter((entry) => entry.kind === "file")
      .map((entry) => entry.path.slice(1));
  };

  it("holds at least a hundred, thirty of them legal", () => {
    expect(spellings.length).toBeGreaterThanOrEqual(100);
    expect(new Set(spellings.map(([target]) => target)).size).toBe(spellings.length);
    expect(spellings.filter(([, outcome]) => "stored" in outcome).length).toBeGreaterThanOrEqual(
      30,
    );
  });

  it.each(spellings.map(([target, outcome]) => ({ target, outcome })))(
    "$target",
    async ({ target, outcome }) => {
      const before = await namesOf(keyA);
      const answer = await rawRequest(
        server.url,
        "PUT",
        target,
        { Authorization: `Bearer ${keyA}` },
        "content",
      );
      const after = await namesOf(keyA);
      const gained = after.filter((name) => !before.includes(name));
      if ("stored" in outcome) {
        expect([answer.status, answer.body.slice(0, 200)]).toEqual([
          201,
          expect.stringContaining("{"),
        ]);
        expect(gained).toEqual([outcome.stored]);
        const read = await rawRequest(server.url, "GET", target, {
          Authorization: `Bearer ${keyA}`,
        });
        expect([read.status, read.body]).toEqual([200, "content"]);
      } else {
        expect(answer.status).toBe(statusOf[outcome.refused]);
        expect(JSON.parse(answer.body)).toMatchObject({
          code: outcome.refused,
          status: answer.status,
        });
        expect(gained).toEqual([]);
      }
      expect(await namesOf(keyB)).toEqual(["x"]);
    },
  );
});
