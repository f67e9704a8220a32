import { expect, it } from "vitest";
import { startServer } from "../support/start-server.ts";

it("keeps the namespace roots while there is no tenant yet", async () => {
  await using server = await startServer();
  const status = async (method: string, path: string): Promise<number> => {
    const response = await fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${server.platformKey}` },
      ...(method === "PUT" && { body: "x" }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  expect(await status("DELETE", "/v1/files/?recursive=true")).toBe(403);
  expect(await status("DELETE", "/v1/files/workspace?recursive=true")).toBe(403);
  expect(await status("PUT", "/v1/files/workspace")).toBe(409);
  expect(await status("GET", "/v1/list/workspace")).toBe(200);
});
