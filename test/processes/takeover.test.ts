import { query, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Connection, connection } from "./connection.ts";
import { halfUpload } from "./half-upload.ts";
import { staged } from "./staged.ts";
import { servers, type ServerProcess, type Servers } from "./two-servers.ts";

const file = "/v1/files/workspace/acme/old.txt";

describe("a mount is one process's at a time, and the next one's when that process is gone", () => {
  let all: Servers;
  let holder: ServerProcess;
  beforeAll(async () => {
    all = await servers("local");
    holder = await all.start();
    const platform = connection(holder.url, all.platformKey);
    await platform.must(201, "POST", "/v1/tenants", { body: { id: "acme" } });
    await platform.must(201, "PUT", file, { body: "old" });
    platform.close();
  });
  afterAll(() => all[Symbol.asyncDispose]());

  const at = ({ url }: ServerProcess): Connection => connection(url, all.platformKey);
  const intents = (): Promise<readonly unknown[]> =>
    query(all.databaseUrl, "select id from bulkhead.intent");

  /** The next process, which is refused the mount while the holder lives. */
  const waiting = async (): Promise<ServerProcess> => {
    const next = await all.start();
    const refused = await at(next).must(503, "GET", file);
    expect(JSON.parse(refused.text)).toMatchObject({ code: "unavailable", retryable: true });
    await at(next).must(503, "PUT", file, { body: "never" });
    await at(next).must(503, "POST", "/v1/mkdir", { body: { path: "/workspace/acme/never" } });
    await at(next).must(200, "GET", "/v1/tenants/acme");
    return next;
  };
  const taken = async (next: ServerProcess): Promise<string> => {
    const reply = await waitFor(
      async () => {
        const answer = await at(next).send("GET", file);
        if (answer.status !== 503) return answer;
        return undefined;
      },
      { timeout: 5000 },
    );
    expect(reply.status).toBe(200);
    return reply.text;
  };

  it("killed in the middle of uploads: what it left is swept before the next one serves", async () => {
    const next = await waiting();
    const uploads = [false, true].map((chunked) =>
      halfUpload(holder.url, all.platformKey, file, chunked),
    );
    await waitFor(async () => (await staged(all.dataDir)).length === uploads.length);
    expect(await intents()).toHaveLength(uploads.length);
    await holder.process.kill("SIGKILL");
    await Promise.all(uploads.map(({ broken }) => broken));

    expect(await taken(next)).toBe("old");
    expect(await staged(all.dataDir)).toEqual([]);
    expect(await intents()).toEqual([]);
    await at(next).must(200, "PUT", file, { body: "second" });
    holder = next;
  });

  it("stopped: the next one serves, and an upload that was running got its answer", async () => {
    const next = await waiting();
    const upload = halfUpload(holder.url, all.platformKey, file, false);
    await waitFor(async () => (await staged(all.dataDir)).length === 1);
    const stopped = holder.process.stop();
    await waitFor(() =>
      at(holder)
        .send("GET", "/livez")
        .then(
          () => false,
          () => true,
        ),
    );
    expect(await upload.finish()).toMatchObject({ status: 200 });
    expect(await stopped).toEqual({ code: 0, signal: null });

    expect(await taken(next)).toBe("n".repeat(2 * 1024 * 1024));
    await at(next).must(200, "PUT", file, { body: "third" });
    holder = next;
  });

  it(
    "frozen for longer than its lease: the next one serves, and the frozen one writes nothing more",
    { timeout: 60_000 },
    async () => {
      const next = await waiting();
      const upload = halfUpload(holder.url, all.platformKey, file, false);
      await waitFor(async () => (await staged(all.dataDir)).length === 1);
      process.kill(holder.process.pid, "SIGSTOP");
      const answer = await waitFor(
        async () => {
          const reply = await at(next).send("GET", file);
          return reply.status === 200 ? reply.text : undefined;
        },
        { timeout: 15_000, interval: 100 },
      );
      expect(answer).toBe("third");
      await at(next).must(200, "PUT", file, { body: "fourth" });
      process.kill(holder.process.pid, "SIGCONT");
      // Its intent was swept by the next one, or its lease had lapsed before: either way nothing was granted.
      expect([409, 503]).toContain((await upload.finish()).status);
      await waitFor(async () => (await at(holder).send("GET", file)).status === 503);
      expect((await at(next).must(200, "GET", file)).text).toBe("fourth");
      expect(await staged(all.dataDir)).toEqual([]);
      await waitFor(async () => (await intents()).length === 0);
    },
  );
});
