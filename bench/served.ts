import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { bulkhead } from "@bulkhead/harness";
import { type DurablePostgres, durablePostgres } from "./durable-postgres.ts";

export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly platformKey: string;
  readonly pid: number;
  /** The microseconds of CPU that the server spends a request, while `work` sends so many and answers how many those were. */
  readonly cpu: (work: () => Promise<number>) => Promise<number>;
  /** The bytes of memory that the server's process holds; not a number where there is no `/proc`. */
  readonly memory: () => Promise<number>;
  /** Sends one request as JSON; throws unless it is answered with 2xx. */
  readonly api: (method: string, path: string, body?: unknown, key?: string) => Promise<unknown>;
}

/** Ticks of the clock in `/proc`, which Linux gives as 100 a second whatever its own are. */
const tickMicroseconds = 10_000;

/** Microseconds of CPU that a process has used; not a number where there is no `/proc`. */
const usedBy = async (pid: number): Promise<number> => {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // After the name in parentheses, which may hold anything, come the third field and those after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMicroseconds;
};

/** The bytes of memory that a process holds; not a number where there is no `/proc`. */
export const residentOf = async (pid: number): Promise<number> => {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
};

/** The real server in a process of its own, on a durable PostgreSQL. `config` is the text of a `bulkhead.yaml`. */
export const served = async (commitDelay: number, config = "{}"): Promise<Served> => {
  const postgres = await durablePostgres(commitDelay);
  const server = await servedOn(postgres, config);
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await postgres[Symbol.asyncDispose]();
    },
  };
};

/** The same on a PostgreSQL that stays, with what a server before it left there. */
export const servedOn = async (
  postgres: Pick<DurablePostgres, "url" | "folder">,
  config = "{}",
): Promise<Served> => {
  const file = join(postgres.folder, "bulkhead.yaml");
  await writeFile(file, config);
  const platformKey = `platform-${randomBytes(24).toString("hex")}`;
  const server = bulkhead(
    [
      "serve",
      "--port",
      "0",
      "--config",
      file,
      "--data-dir",
      join(postgres.folder, "server"),
      "--database-url",
      postgres.url,
    ],
    { env: { BULKHEAD_PLATFORM_KEY: platformKey } },
  );
  const url = await server.url();
  return {
    url,
    platformKey,
    pid: server.pid,
    cpu: async (work) => {
      const before = await usedBy(server.pid);
      const requests = await work();
      return ((await usedBy(server.pid)) - before) / requests;
    },
    memory: () => residentOf(server.pid),
    api: async (method, path, body, key = platformKey) => {
      const answer = await fetch(`${url}/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.status === 204 ? undefined : answer.json();
    },
    [Symbol.asyncDispose]: async () => void (await server.stop()),
  };
};

/** Mints a key for all of a tenant's first root and answers its secret. */
export const keyFor = async (server: Pick<Served, "api">, tenant: string): Promise<string> => {
  const minted = await server.api("POST", "/keys", {
    name: "bench",
    workspacePrefix: `/workspace/${tenant}`,
  });
  if (typeof minted !== "object" || minted === null || !("key" in minted))
    throw new Error("No key was minted.");
  return String(minted.key);
};

/** Makes a tenant and mints a key for it. */
export const tenantKey = async (server: Pick<Served, "api">, id: string): Promise<string> => {
  await server.api("POST", "/tenants", { id });
  return keyFor(server, id);
};

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A client with so many connections that stay open. `send` resolves when the whole answer is there, with its status. */
export const client = (
  url: string,
  connections: number,
): { readonly send: (sent: Sent) => Promise<number>; readonly close: () => void } => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(url);
  return {
    send: ({ method, path, headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const length = body === undefined ? {} : { "content-length": String(body.length) };
        const outgoing = request(
          { agent, hostname, port, method, path, headers: { ...headers, ...length } },
          (answer) => {
            answer.resume();
            answer.once("end", () => resolve(answer.statusCode ?? 0));
            answer.once("error", reject);
          },
        );
        outgoing.once("error", reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
};
