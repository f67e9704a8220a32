import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { migrate } from "@bulkhead/ledger";
import { tempDir, testDatabase } from "@bulkhead/harness";
import { serve } from "@bulkhead/server";
import { api, member } from "../support/api.ts";
import { ledgerClock } from "../support/ledger-clock.ts";
import type { Amounts } from "./authority.ts";
import { createTurns } from "./turns.ts";

/** A request and its answer, as they were on the wire. */
export interface Exchange {
  readonly requestId: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** The real thing: a server that can be restarted, on a ledger whose clock can be moved. */
export interface System extends AsyncDisposable {
  readonly url: () => string;
  readonly platformKey: string;
  readonly home: string;
  readonly lines: readonly string[];
  readonly restart: () => Promise<void>;
  /** Milliseconds since the epoch, by the ledger's clock. */
  readonly now: () => number;
  /** Does something while no time is let pass beside what goes by itself. */
  readonly steady: <T>(work: () => Promise<T>) => Promise<T>;
  /** Lets time pass for keys, and not for what the running server holds. */
  readonly advance: (ms: number) => Promise<void>;
  /** A `fetch` that names its requests and keeps what was answered. */
  readonly recorder: () => {
    readonly fetch: typeof fetch;
    readonly exchanges: readonly Exchange[];
  };
  /** What is on record about requests: their ids and results, oldest first. */
  readonly audited: (
    requestIds: readonly string[],
  ) => Promise<readonly (readonly [string, string])[]>;
  /** What is on record about a key's refusals: how many singly, how many more. */
  readonly refusals: () => Promise<ReadonlyMap<string, number>>;
  /** What tenants are charged with, by their ids. */
  readonly used: (ids: readonly string[]) => Promise<ReadonlyMap<string, Amounts>>;
  readonly ended: (job: string) => Promise<void>;
}

/** Starts it, on a database and in a folder of its own. */
export const startSystem = async (): Promise<System> => {
  const database = await testDatabase({ migrate });
  const dir = await tempDir();
  const platformKey = `platform-${randomBytes(24).toString("hex")}`;
  const lines: string[] = [];
  const config = join(dir.path, "bulkhead.yaml");
  await writeFile(config, "{}");
  const start = () =>
    serve(
      { port: 0, config, dataDir: join(dir.path, "data"), databaseUrl: database.url, platformKey },
      { out: (line) => lines.push(line), err: (line) => lines.push(line) },
    );
  let server = await start();
  const ledger = new Client({ connectionString: database.url });
  await ledger.connect();
  const clock = ledgerClock({ run: (text) => ledger.query(text) });
  const turns = createTurns();
  let offset = 0;
  let requests = 0;

  return {
    url: () => server.url,
    platformKey,
    home: dir.path,
    lines,
    restart: async () => {
      await server.close();
      server = await start();
    },
    now: () => Date.now() + offset,
    steady: turns.shared,
    advance: (ms) =>
      turns.alone(async () => {
        offset += ms;
        await clock.advance(ms);
      }),
    recorder: () => {
      const exchanges: Exchange[] = [];
      return {
        exchanges,
        fetch: async (input, init) => {
          const requestId = `model-${++requests}`;
          const headers = new Headers(init?.headers);
          headers.set("X-Request-Id", requestId);
          const response = await fetch(input, { ...init, headers });
          const body = Buffer.from(await response.arrayBuffer());
          exchanges.push({
            requestId,
            status: response.status,
            headers: [...response.headers],
            body,
          });
          const bare = response.status === 204 || response.status === 304;
          return new Response(bare ? null : body, {
            status: response.status,
            headers: response.headers,
          });
        },
      };
    },
    audited: async (requestIds) => {
      const { rows } = await ledger.query<{ id: string; result: string }>(
        "select request_id as id, result from bulkhead.audit where request_id = any ($1) order by at",
        [requestIds],
      );
      return rows.map(({ id, result }) => [id, result] as const);
    },
    refusals: async () => {
      const { rows } = await ledger.query<{ what: string; count: string }>(
        `select key || ' ' || result as what, sum(coalesce((detail->>'more')::int, 1)) as count
         from bulkhead.audit where result <> 'SUCCESS' group by 1`,
      );
      return new Map(rows.map(({ what, count }) => [what, Number(count)]));
    },
    used: async (ids) => {
      const { rows } = await ledger.query<{ id: string; bytes: number; files: number }>(
        `select t.id, h.used::int as bytes, h.files::int from bulkhead.tenant t
         join bulkhead.tenant_head h on h.uid = t.uid where t.id = any ($1) and t.status <> 'deleted'`,
        [ids],
      );
      return new Map(rows.map(({ id, bytes, files }) => [id, { bytes, files }]));
    },
    ended: async (job) => {
      const platform = api(server.url, platformKey);
      for (;;) {
        const state = member(await platform.send("GET", `/v1/jobs/${job}`), "state");
        if (state === "done") return;
        if (state === "dead") throw new Error(`Job ${job} failed.`);
        await sleep(20);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await ledger.end();
      await database.close();
      await dir[Symbol.asyncDispose]();
    },
  };
};
