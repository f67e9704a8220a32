import { setTimeout as sleep } from "node:timers/promises";
import { query, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Connection, connection } from "./connection.ts";
import { halfUpload } from "./half-upload.ts";
import { slowDownload } from "./slow-download.ts";
import { staged } from "./staged.ts";
import { servers, type ServerProcess, type Servers } from "./two-servers.ts";

const onLinux = process.platform === "linux";

const intents = (databaseUrl: string) =>
  query(databaseUrl, "select id, state from bulkhead.intent");

describe("what is under way when access ends through the other process", () => {
  let all: Servers;
  let holder: ServerProcess;
  let other: ServerProcess;
  let onHolder: Connection;
  let onOther: Connection;

  beforeAll(async () => {
    all = await servers("local");
    [holder, other] = await Promise.all([all.start(), all.start()]);
    onHolder = connection(holder.url, all.platformKey);
    onOther = connection(other.url, all.platformKey);
  });
  afterAll(() => all[Symbol.asyncDispose]());

  /** A tenant whose mount the first process holds, with a file of 3 bytes. */
  const tenant = async (id: string): Promise<string> => {
    const root = `/workspace/${id}`;
    await onHolder.must(201, "POST", "/v1/tenants", { body: { id } });
    await onHolder.must(201, "PUT", `/v1/files${root}/old.txt`, { body: "old" });
    return root;
  };
  const mint = async (workspacePrefix: string): Promise<{ id: string; key: string }> => {
    const body = { name: "k", workspacePrefix };
    const minted = await onHolder.must(201, "POST", "/v1/keys", { body });
    return { id: minted.member("id"), key: minted.member("key") };
  };

  const changes = {
    revoke: {
      take: (_: string, id: string) => onOther.must(204, "DELETE", `/v1/keys/${id}`),
      status: 401,
    },
    rotate: {
      take: (_: string, id: string) =>
        onOther.must(201, "POST", `/v1/keys/${id}/rotate`, { body: {} }),
      status: 401,
    },
    narrow: {
      take: (_: string, id: string) =>
        onOther.must(200, "PATCH", `/v1/keys/${id}`, { body: { scopes: ["read"] } }),
      status: 403,
    },
    suspend: {
      take: (name: string) =>
        onOther.must(200, "POST", `/v1/tenants/${name}/suspend`, { body: {} }),
      status: 403,
    },
  } as const;

  it.each(Object.entries(changes))(
    "an upload is not committed: %s",
    async (name, { take, status }) => {
      const root = await tenant(`up-${name}`);
      const { id, key } = await mint(root);
      const uploads = [
        halfUpload(holder.url, key, "/v1/files/old.txt", false),
        halfUpload(holder.url, key, "/v1/files/old.txt", true),
        halfUpload(holder.url, key, "/v1/files/made/for/it.txt", true),
      ];
      await waitFor(async () => (await staged(all.dataDir)).length === uploads.length);
      // The mount is the first process's, and nobody else serves it meanwhile.
      await onOther.must(503, "GET", `/v1/files${root}/old.txt`);

      await take(`up-${name}`, id);
      for (const answer of await Promise.all(uploads.map((upload) => upload.finish())))
        expect(answer).toMatchObject({ status });
      expect((await onHolder.must(200, "GET", `/v1/files${root}/old.txt`)).text).toBe("old");
      const listed = await onHolder.must(200, "GET", `/v1/list${root}?recursive=true`);
      expect(listed.text.match(/"path":"[^"]*"/g)).toEqual([`"path":"${root}/old.txt"`]);
      expect(await staged(all.dataDir)).toEqual([]);
      await waitFor(async () => (await intents(all.databaseUrl)).length === 0);
    },
  );

  it(
    "a download is cut within two seconds, and never ends as if it were whole",
    { timeout: 40_000 },
    async () => {
      const size = 48 * 1024 * 1024;
      const began = await Promise.all(
        Object.entries(changes)
          // What may only read from now on goes on reading.
          .filter(([name]) => name !== "narrow")
          .map(async ([name, { take }]) => {
            const root = await tenant(`down-${name}`);
            await onHolder.must(201, "PUT", `/v1/files${root}/large`, { body: "x".repeat(size) });
            const { id, key } = await mint(root);
            const download = await slowDownload(holder.url, key, "/v1/files/large");
            return { take: () => take(`down-${name}`, id), download };
          }),
      );
      const kept = await slowDownload(
        holder.url,
        (await mint("/workspace/down-revoke")).key,
        "/v1/files/large",
      );
      const isOpen = async (): Promise<readonly boolean[]> =>
        onLinux ? Promise.all(began.map(({ download }) => download.isOpen())) : [];
      if (onLinux) expect(await isOpen()).toEqual([true, true, true]);
      await Promise.all(began.map(({ take }) => take()));
      const since = performance.now();
      await sleep(onLinux ? 0 : 2000);
      // Two seconds are promised; the third is for a machine that does something else as well.
      await waitFor(async () => !(await isOpen()).includes(true), { timeout: 3000 });
      console.info(`downloads cut after ${Math.round(performance.now() - since)} ms`);
      // What the kernel still holds may come; the rest of the file must not.
      for (const { bytes, complete } of await Promise.all(
        began.map(({ download }) => download.drain()),
      )) {
        expect(complete).toBe(false);
        expect(bytes).toBeLessThan(size);
      }
      expect(await kept.drain()).toEqual({ bytes: size, complete: true });
    },
  );

  it(
    "a revoke returns when what was granted before it has happened",
    { timeout: 60_000 },
    async () => {
      const root = await tenant("granted");
      const { id, key } = await mint(root);
      const writer = connection(holder.url, key);
      let sent = "";
      let working = true;
      const writing = (async () => {
        for (let n = 0; working; n++) {
          sent = `${n}`;
          const { status } = await writer.send("PUT", "/v1/files/old.txt", { body: sent });
          if (status !== 200) return status;
        }
        return 200;
      })();
      // The first process is stopped between the grant and the effect, or shortly after the effect.
      const committing = async (): Promise<boolean> =>
        (await intents(all.databaseUrl)).some(({ state }) => state === "committing");
      await waitFor(
        async () => {
          if (!(await committing())) return false;
          process.kill(holder.process.pid, "SIGSTOP");
          // What it had asked of the ledger before is carried out still.
          await sleep(30);
          if (await committing()) return true;
          process.kill(holder.process.pid, "SIGCONT");
          return false;
        },
        { timeout: 20_000, interval: 0 },
      );
      const granted = sent;
      let returned = false;
      const revoking = onOther.must(204, "DELETE", `/v1/keys/${id}`).then(() => (returned = true));
      try {
        await sleep(700);
        expect(returned).toBe(false);
      } finally {
        process.kill(holder.process.pid, "SIGCONT");
      }
      await revoking;
      const file = `/v1/files${root}/old.txt`;
      expect((await onHolder.must(200, "GET", file)).text).toBe(granted);
      expect(await writing).toBe(401);
      working = false;
      writer.close();
      expect((await onHolder.must(200, "GET", file)).text).toBe(granted);
    },
  );
});
