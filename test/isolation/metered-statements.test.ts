// Metering and audit cost a request no question to the ledger: what a small write and a read ask for is theirs alone.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { expect, it, vi } from "vitest";
import { api, makeTenant } from "../support/api.ts";
import { startServer } from "../support/start-server.ts";

const rounds = 40;

/** The name of a statement, or its text where it has none. */
const statementOf = (config: unknown): string => {
  const part = (name: string): unknown =>
    typeof config === "object" && config !== null ? Reflect.get(config, name) : undefined;
  return String(part("name") ?? part("text") ?? config);
};

it(
  "a small write asks for its admission and its commit, a read for its admission and its content",
  { timeout: 60_000 },
  async () => {
    await using server = await startServer();
    const key = await makeTenant(api(server.url, server.platformKey), "acme");
    const tenant = api(server.url, key);
    await tenant.send("PUT", "/v1/files/f", { body: "content" });
    await tenant.send("GET", "/v1/files/f");

    const counted = async (call: () => Promise<unknown>): Promise<Record<string, number>> => {
      const found: Record<string, number> = {};
      const original: unknown = Reflect.get(pg.Client.prototype, "query");
      const spy = vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (
        this: pg.Client,
        ...args: unknown[]
      ) {
        const statement = statementOf(args[0]);
        found[statement] = (found[statement] ?? 0) + 1;
        return typeof original === "function" ? Reflect.apply(original, this, args) : undefined;
      });
      try {
        for (let i = 0; i < rounds; i++) await call();
      } finally {
        spy.mockRestore();
      }
      return found;
    };
    const journal = async (): Promise<number> => {
      const folder = join(server.dataDir, "journals");
      const sizes = (await readdir(folder)).map(
        async (name) => (await stat(join(folder, name))).size,
      );
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    };
    /** What is asked as often as requests were sent; what has its own pace is asked less often. */
    const asked = (found: Readonly<Record<string, number>>): readonly string[] =>
      Object.entries(found)
        .filter(([, times]) => times >= rounds)
        .flatMap(([name, times]) => Array<string>(Math.floor(times / rounds)).fill(name));

    const written = await counted(() => tenant.send("PUT", "/v1/files/f", { body: "content" }));
    expect(asked(written).length).toBeLessThanOrEqual(2);
    expect(asked(written).join()).toMatch(/commit_write/);
    const before = await journal();
    const read = await counted(() => tenant.send("GET", "/v1/files/f"));
    expect(asked(read).length).toBeLessThanOrEqual(2);
    expect(asked(read).join()).not.toMatch(/usage|audit/);
    // One record of 64 bytes each, and nothing else.
    expect((await journal()) - before).toBe(rounds * 64);
  },
);
