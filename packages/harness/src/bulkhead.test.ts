import { writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TempDir, bulkhead, freePort, runSource, tempDir, waitFor } from "./index.ts";

let dir: TempDir;
let file: string;
beforeAll(async () => {
  dir = await tempDir();
  file = join(dir.path, "server.ts");
  await writeFile(
    file,
    `import { createServer } from "node:http";
     if (process.env.REFUSE) { console.error("will not"); process.exit(3); }
     const port = Number(process.argv[2]);
     createServer().listen(port, "127.0.0.1", () => console.log("listening on http://127.0.0.1:" + port));
     process.on("SIGTERM", () => { console.log("bye " + process.cwd()); process.exit(0); });`,
  );
});
afterAll(() => dir.remove());

test("tells the address, ends on stop with all its output, and on kill", async () => {
  const port = await freePort();
  await using server = runSource(file, [String(port)], { cwd: dir.path });
  expect(await server.url()).toBe(`http://127.0.0.1:${port}`);
  createConnection(port, "127.0.0.1")
    .on("error", () => {})
    .unref();
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(server.stdout.at(-1)).toBe(`bye ${dir.path}`);

  const second = runSource(file, [String(port)]);
  await second.url();
  expect(await second.kill()).toEqual({ code: null, signal: "SIGKILL" });
});

test("a server that ends instead of listening is reported with what it said", async () => {
  const server = runSource(file, ["0"], { env: { REFUSE: "1" } });
  await expect(server.url()).rejects.toThrow("ended:\nwill not");
  expect(await server.exited).toEqual({ code: 3, signal: null });
});

test("the real command line runs from its sources", async () => {
  const run = bulkhead(["--help"]);
  expect(await run.exited).toEqual({ code: 0, signal: null });
  expect(run.stdout.join("\n")).toMatch(/bulkhead/);
});

test("waitFor answers the first value, and rejects with the last error after its time", async () => {
  let n = 0;
  expect(await waitFor(() => (++n > 2 ? n : undefined))).toBe(3);
  expect(await waitFor(() => 0)).toBe(0);
  const never = waitFor(() => Promise.reject(new Error("not yet")), { timeout: 30 });
  await expect(never).rejects.toMatchObject({ cause: new Error("not yet") });
});
