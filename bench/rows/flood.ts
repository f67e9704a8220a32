import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { runSource, waitFor } from "@bulkhead/harness";
import { median, quantile } from "../measure.ts";
import { type Bench, most, type Row } from "../row.ts";
import { client, served, type Served, tenantKey } from "../served.ts";

const content = randomBytes(4096);
const flooder = fileURLToPath(new URL("../flooder.ts", import.meta.url));
const ms = 3000;

interface Latencies {
  readonly get: number[];
  readonly put: number[];
}

/** What the calm tenant's requests take, in milliseconds: a read and a write of 4 KiB in turn, on one connection. */
const calmly = async (server: Served, key: string): Promise<Latencies> => {
  const one = client(server.url, 1);
  const headers = { authorization: `Bearer ${key}` };
  const latencies: Latencies = { get: [], put: [] };
  const timed = async (times: number[], method: string, body?: Uint8Array): Promise<void> => {
    const begun = performance.now();
    const sent = { method, path: "/v1/files/mine", headers, ...(body && { body }) };
    // Refused for a moment, it asks again, and that is the time it took.
    for (let status = 503; status >= 300;) {
      status = await one.send(sent);
      if (status >= 300 && status !== 503)
        throw new Error(`The calm tenant was answered ${status}.`);
    }
    times.push(performance.now() - begun);
  };
  try {
    for (const end = performance.now() + ms; performance.now() < end;) {
      await timed(latencies.put, "PUT", content);
      await timed(latencies.get, "GET");
    }
    return latencies;
  } finally {
    one.close();
  }
};

const plant = async (server: Served, key: string): Promise<void> => {
  const to = client(server.url, 16);
  const headers = { authorization: `Bearer ${key}` };
  const put = async (path: string, body: Uint8Array): Promise<void> => {
    const status = await to.send({ method: "PUT", path: `/v1/files/${path}`, headers, body });
    if (status >= 300) throw new Error(`Answered ${status}.`);
  };
  const text = Buffer.from("some words, again and again\n".repeat(36));
  await Promise.all(Array.from({ length: 1000 }, (_, i) => put(`many/f${i}`, text)));
  await put("large", Buffer.alloc(32 * 1024 * 1024));
  to.close();
};

/** The 99th of a hundred, alone and beside a flood, in rounds that begin with the one or the other in turn. */
const measure = async (
  server: Served,
  keys: { readonly calm: string; readonly flood: string },
  kind: string,
  rounds: number,
): Promise<readonly Row[]> => {
  const quiet: Latencies[] = [];
  const flooded: Latencies[] = [];
  for (let round = 0; round < rounds; round++) {
    const beside = async (): Promise<void> => {
      const flood = runSource(flooder, [server.url, keys.flood, kind]);
      try {
        await waitFor(() => flood.stdout.includes("flooding"), { timeout: 30_000 });
        flooded.push(await calmly(server, keys.calm));
      } finally {
        await flood.kill();
      }
    };
    const alone = async (): Promise<void> => void quiet.push(await calmly(server, keys.calm));
    for (const way of round % 2 === 0 ? [alone, beside] : [beside, alone]) await way();
  }
  return (["get", "put"] as const).map((what) => {
    const p99 = (all: readonly Latencies[]): number =>
      median(all.map((latencies) => quantile(latencies[what], 0.99)));
    const [value, baseline] = [p99(flooded), p99(quiet)];
    return {
      name: `p99 of ${what.toUpperCase()} 4 KiB while another tenant floods with ${kind}`,
      unit: "ms",
      value,
      baseline: { name: "alone", value: baseline },
      ratio: value / baseline,
      goals: [most(Math.ceil(Math.max(3 * baseline, baseline + 10)))],
    };
  });
};

/** One tenant's flood, as its neighbour feels it. */
export const flood: Bench = {
  name: "flood",
  run: async ({ rounds, commitDelay }) => {
    await using server = await served(commitDelay);
    const keys = { calm: await tenantKey(server, "calm"), flood: await tenantKey(server, "flood") };
    const limited = { ...keys, flood: await tenantKey(server, "limited") };
    await plant(server, keys.flood);
    await server.api("PATCH", "/tenants/limited", { rateLimits: { tenant: 10 } });
    await calmly(server, keys.calm);
    const rows: Row[] = [];
    for (const kind of ["lists", "greps", "writes", "slow-reads"])
      rows.push(...(await measure(server, keys, kind, rounds)));
    rows.push(...(await measure(server, limited, "refused", rounds)));
    return rows;
  },
};
