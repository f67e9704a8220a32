import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runSource } from "@bulkhead/harness";
import { alternate, elapsed, median, throughput } from "../measure.ts";
import { type Bench, least, most, type Row } from "../row.ts";
import { client, served, tenantKey } from "../served.ts";

const connections = 16;
const ms = 1500;
const content = randomBytes(4096);
const baselineFile = fileURLToPath(new URL("../baselines/fastify-files.ts", import.meta.url));

/** Files over the wire with every policy on, the load from this process, beside bare Fastify on the same disk. */
const measure = async (placement: string, rounds: number, commitDelay: number) => {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  await using bare = runSource(baselineFile, [folder]);
  await using server = await served(commitDelay, `defaultPlacement: ${placement}\n`);
  const keys: string[] = [];
  for (let i = 0; i < connections; i++) keys.push(await tenantKey(server, `t${i}`));
  const ours = client(server.url, connections);
  const theirs = client(await bare.url(), connections);
  const headers = keys.map((key) => ({ authorization: `Bearer ${key}` }));
  const checked = async (answer: Promise<number>): Promise<void> => {
    const status = await answer;
    if (status >= 300) throw new Error(`Answered ${status}.`);
  };
  let n = 0;
  const get = (to: typeof ours, path: string) => (): Promise<number> =>
    throughput(connections, ms, (caller) =>
      checked(to.send({ method: "GET", path, headers: headers[caller] ?? {} })),
    );
  const put = (to: typeof ours, prefix: string) => (): Promise<number> =>
    throughput(connections, ms, (caller) =>
      checked(
        to.send({
          method: "PUT",
          path: `${prefix}f${caller}-${(n += 1) % 4096}`,
          headers: headers[caller] ?? {},
          body: content,
        }),
      ),
    );
  try {
    for (const each of headers)
      await checked(
        ours.send({ method: "PUT", path: "/v1/files/d/read", headers: each, body: content }),
      );
    await checked(theirs.send({ method: "PUT", path: "/read", body: content }));
    const [reading, writing] = [get(ours, "/v1/files/d/read"), put(ours, "/v1/files/d/")];
    const spent = (work: () => Promise<number>) => (): Promise<number> =>
      server.cpu(async () => {
        const begun = performance.now();
        return ((await work()) * (performance.now() - begun)) / 1000;
      });
    return await alternate(rounds, [
      get(theirs, "/read"),
      reading,
      put(theirs, "/"),
      writing,
      spent(reading),
      spent(writing),
    ]);
  } finally {
    ours.close();
    theirs.close();
    await rm(folder, { recursive: true, force: true });
  }
};

const row = (name: string, value: number, baseline: Row["baseline"], goal: number): Row => ({
  name,
  unit: "1/s",
  value,
  ...(baseline !== undefined && { baseline, ratio: value / baseline.value }),
  goals: [least(goal)],
});

/** Small files over the wire, and one listing. */
export const overHttp: Bench = {
  name: "over-http",
  run: async ({ rounds, commitDelay }) => {
    const rows: Row[] = [];
    for (const [placement, goal] of [
      ["versioned", 0.6],
      ["local", 0.35],
    ] as const) {
      const [bareGet = 0, get = 0, barePut = 0, put = 0, getCpu = 0, putCpu = 0] = await measure(
        placement,
        rounds,
        commitDelay,
      );
      const reading = { name: "bare Fastify + readFile", value: bareGet };
      const writing = { name: "bare Fastify + durable write", value: barePut };
      rows.push(row(`GET 4 KiB over HTTP, ${placement}, 16 tenants`, get, reading, 0.6));
      rows.push(row(`PUT 4 KiB over HTTP, ${placement}, 16 tenants`, put, writing, goal));
      for (const [name, value] of [
        ["GET", getCpu],
        ["PUT", putCpu],
      ] as const)
        rows.push({
          name: `the server's CPU a ${name}, ${placement}`,
          unit: "µs",
          value,
          goals: [],
        });
    }
    await using server = await served(commitDelay);
    const authorization = `Bearer ${await tenantKey(server, "lists")}`;
    const one = client(server.url, 1);
    try {
      for (let i = 0; i < 1000; i++)
        await one.send({
          method: "PUT",
          path: `/v1/files/many/f${i}`,
          headers: { authorization },
          body: content,
        });
      const [list = 0] = await alternate(rounds, [
        async () => {
          const times: number[] = [];
          for (let i = 0; i < 50; i++)
            times.push(
              await elapsed(() =>
                one.send({
                  method: "GET",
                  path: "/v1/list/many?limit=1000",
                  headers: { authorization },
                }),
              ),
            );
          return median(times);
        },
      ]);
      rows.push({
        name: "list of 1,000 over HTTP, p50",
        unit: "ms",
        value: list,
        goals: [most(3)],
      });
    } finally {
      one.close();
    }
    return rows;
  },
};
