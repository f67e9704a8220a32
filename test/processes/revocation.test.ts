import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Connection, connection, type Reply } from "./connection.ts";
import { servers, type ServerProcess, type Servers } from "./two-servers.ts";

const rounds = 50;
const root = "/workspace/acme";
const file = "/v1/files/shared.txt";

interface Key {
  readonly id: string;
  readonly key: string;
}

/** What a connection keeps asking: it may pass before the change, and never again after it. */
interface Question {
  readonly method: string;
  readonly target: string;
  readonly body?: () => unknown;
  readonly passes?: (reply: Reply) => boolean;
}

const ok = (reply: Reply): boolean => reply.status < 300;
const read: Question = { method: "GET", target: file };
const whoami: Question = { method: "GET", target: "/v1/whoami" };
const listKeys: Question = { method: "GET", target: "/v1/keys" };

describe("two processes on one ledger: what was taken away is gone when the change has returned", () => {
  let all: Servers;
  let holder: ServerProcess;
  let other: ServerProcess;
  /** The platform key on each process; whoever makes the change alternates. */
  let platform: readonly [Connection, Connection];

  beforeAll(async () => {
    // Revoked keys go on asking here, more often than an address may that has no valid one.
    all = await servers("versioned", {
      config: "rateLimits: { failedAuthentication: 10000000 }\n",
    });
    [holder, other] = await Promise.all([all.start(), all.start()]);
    platform = [connection(holder.url, all.platformKey), connection(other.url, all.platformKey)];
    await platform[0].must(201, "POST", "/v1/tenants", { body: { id: "acme" } });
    // From here on the first process holds the tenant's mount.
    await platform[0].must(201, "PUT", `/v1/files${root}/shared.txt`, { body: "first" });
  });
  afterAll(() => all[Symbol.asyncDispose]());

  const by = (i: number): Connection => (i % 2 === 0 ? platform[0] : platform[1]);
  const keyOf = (reply: Reply): Key => ({ id: reply.member("id"), key: reply.member("key") });
  const mint = async (): Promise<Key> => {
    const body = { name: "k", workspacePrefix: root, scopes: ["read", "write", "admin"] };
    return keyOf(await platform[0].must(201, "POST", "/v1/keys", { body }));
  };

  /** Connections that were let in a moment ago, each with what it asks; further ones ask without a pause. */
  const opened = async (
    key: string,
    onHolder: Question,
    onOther: Question,
    self: Question = whoami,
  ) => {
    const asked = [onHolder, onHolder, self].map((question) => ({ at: holder.url, question }));
    asked.push(...[onOther, self].map((question) => ({ at: other.url, question })));
    const lines = asked.map(({ at, question }) => ({ ...question, over: connection(at, key) }));
    const ask = async ({ over, method, target, body, passes = ok }: (typeof lines)[number]) => {
      const reply = await over.send(method, target, { body: body?.() });
      return { passed: passes(reply), reply, target };
    };
    for (const answer of await Promise.all(lines.map(ask)))
      if (!answer.passed) throw new Error(`Refused before: ${answer.reply.text}`);

    let stopped = false;
    const pumped: Awaited<ReturnType<typeof ask>>[] = [];
    const pump = async (question: Question, at: string): Promise<void> => {
      const line = { ...question, over: connection(at, key) };
      while (!stopped) pumped.push(await ask(line));
      line.over.close();
    };
    const pumps = [pump(onHolder, holder.url), pump(onOther, other.url)];
    return {
      /** What got through although it was sent after `since`; every connection is asked once more, at once. */
      passedAfter: async (since: number): Promise<readonly string[]> => {
        const next = await Promise.all(lines.map(ask));
        stopped = true;
        await Promise.all(pumps);
        if (next.some(({ reply }) => !reply.reused)) throw new Error("A connection was not kept.");
        return [...next, ...pumped]
          .filter(({ passed, reply }) => passed && reply.sentAt >= since)
          .map(({ target, reply }) => `${target}: ${reply.status} ${reply.text.slice(0, 200)}`);
      },
      pumped,
      [Symbol.asyncDispose]: async () => {
        stopped = true;
        await Promise.all(pumps);
        for (const { over } of lines) over.close();
      },
    };
  };

  /** One round: `take` is awaited, and nothing may pass from then on. */
  const round = async (
    key: string,
    onHolder: Question,
    onOther: Question,
    take: () => Promise<unknown>,
  ): Promise<readonly string[]> => {
    await using lines = await opened(key, onHolder, onOther);
    await take();
    return await lines.passedAfter(performance.now());
  };

  it("revoke, of the key and of a key that was minted with it", { timeout: 60_000 }, async () => {
    const passed: string[] = [];
    for (let i = 0; i < rounds; i++) {
      const parent = await mint();
      const body = { name: "child", workspacePrefix: root, scopes: ["read", "write"] };
      const minted = await by(i).must(201, "POST", "/v1/keys", { body, key: parent.key });
      const child = keyOf(minted);
      const key = i % 4 < 2 ? parent.key : child.key;
      passed.push(
        ...(await round(key, read, whoami, () =>
          by(i).must(204, "DELETE", `/v1/keys/${parent.id}`),
        )),
      );
    }
    expect(passed).toEqual([]);
  });

  it("revoke, while the key writes: nothing commits afterwards", { timeout: 60_000 }, async () => {
    const passed: string[] = [];
    let writes = 0;
    for (let i = 0; i < rounds; i++) {
      const { id, key } = await mint();
      let n = 0;
      const write: Question = {
        method: "PUT",
        target: file,
        body: () => `${i}-${(n += 1)}`,
      };
      await using lines = await opened(key, write, whoami);
      await by(i).must(204, "DELETE", `/v1/keys/${id}`);
      const since = performance.now();
      const atReturn = await platform[0].must(200, "GET", `/v1/files${root}/shared.txt`);
      passed.push(...(await lines.passedAfter(since)));
      const later = await platform[0].must(200, "GET", `/v1/files${root}/shared.txt`);
      if (later.text !== atReturn.text) passed.push(`${atReturn.text} became ${later.text}`);
      writes += lines.pumped.filter((answer) => answer.passed).length;
    }
    expect(passed).toEqual([]);
    expect(writes).toBeGreaterThan(rounds);
  });

  it("suspend; and all of it is back with reactivate", { timeout: 60_000 }, async () => {
    const { key } = await mint();
    const passed: string[] = [];
    for (let i = 0; i < rounds; i++) {
      passed.push(
        ...(await round(key, read, whoami, () =>
          by(i).must(200, "POST", "/v1/tenants/acme/suspend", { body: {} }),
        )),
      );
      await by(i + 1).must(200, "POST", "/v1/tenants/acme/reactivate", { body: {} });
    }
    expect(passed).toEqual([]);
  });

  it("PATCH to fewer scopes, to a deeper prefix", { timeout: 60_000 }, async () => {
    const passed: string[] = [];
    const absolute: Question = { method: "GET", target: `/v1/files${root}/shared.txt` };
    const write: Question = { method: "PUT", target: file, body: () => "written" };
    // Who one is can be asked still; it is what is said that became narrower.
    const says = (text: string): Question => ({
      ...whoami,
      passes: (reply) => ok(reply) && reply.text.includes(text),
    });
    for (let i = 0; i < rounds; i++) {
      const { id, key } = await mint();
      const fewer = i % 4 < 2;
      await using lines = fewer
        ? await opened(key, write, listKeys, says('"write"'))
        : await opened(key, absolute, says(`"bounds":["${root}"]`), says(`"home":"${root}"`));
      const body = fewer ? { scopes: ["read"] } : { workspacePrefix: `${root}/deeper` };
      await by(i).must(200, "PATCH", `/v1/keys/${id}`, { body });
      passed.push(...(await lines.passedAfter(performance.now())));
      await by(i + 1).must(200, "GET", "/v1/whoami", { key });
    }
    expect(passed).toEqual([]);
  });

  it("rotate without overlap; the successor is let in at once", { timeout: 60_000 }, async () => {
    const passed: string[] = [];
    for (let i = 0; i < rounds; i++) {
      const { id, key } = await mint();
      let successor = "";
      passed.push(
        ...(await round(key, read, whoami, async () => {
          const target = `/v1/keys/${id}/rotate`;
          const body = { overlapSeconds: 0 };
          const reply = await by(i).must(201, "POST", target, { body });
          successor = reply.member("key");
        })),
      );
      await by(i + 1).must(200, "GET", "/v1/whoami", { key: successor });
    }
    expect(passed).toEqual([]);
  });

  it("expiry, by the clock", { timeout: 60_000 }, async () => {
    const passed: string[] = [];
    const one = async (i: number): Promise<void> => {
      const { id, key } = await mint();
      passed.push(
        ...(await round(key, read, whoami, async () => {
          let at = 0;
          // On a busy machine the near end may lie in the past by the time it is asked for.
          for (let [wait, status] = [300, 400]; status === 400; wait *= 2) {
            at = Date.now() + wait;
            const body = { expiresAt: new Date(at).toISOString() };
            ({ status } = await by(i).send("PATCH", `/v1/keys/${id}`, { body }));
          }
          while (Date.now() < at) await new Promise((resolve) => setTimeout(resolve, 1));
        })),
      );
    };
    for (let i = 0; i < rounds; i += 5) await Promise.all([0, 1, 2, 3, 4].map((n) => one(i + n)));
    expect(passed).toEqual([]);
  });
});
