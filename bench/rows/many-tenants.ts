import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { durablePostgres } from "../durable-postgres.ts";
import { alternate, elapsed, median } from "../measure.ts";
import { type Bench, least, most } from "../row.ts";
import { client, keyFor, type Served, served, servedOn } from "../served.ts";

const tenants = Number(process.env["BULKHEAD_BENCH_TENANTS"] ?? 10_000);
const connections = 16;
const asked = 200;
const content = randomBytes(4096);

const create = async (server: Served): Promise<number> => {
  let next = 0;
  const began = performance.now();
  const loop = async (): Promise<void> => {
    for (let n = next++; n < tenants; n = next++)
      await server.api("POST", "/tenants", { id: `t${String(n).padStart(5, "0")}` });
  };
  await Promise.all(Array.from({ length: connections }, loop));
  return (tenants * 1000) / (performance.now() - began);
};

/** The milliseconds of one tenant's requests, in the middle, one after another. */
const oneTenant = async (server: Served) => {
  const headers = { authorization: `Bearer ${await keyFor(server, "t00000")}` };
  const one = client(server.url, 1);
  const times = (method: string) => async (): Promise<number> => {
    const taken: number[] = [];
    for (let i = 0; i < asked; i++)
      taken.push(
        await elapsed(async () => {
          const body = method === "PUT" ? { body: content } : {};
          const status = await one.send({ method, path: "/v1/files/d/f", headers, ...body });
          if (status >= 300) throw new Error(`Answered ${status}.`);
        }),
      );
    return median(taken);
  };
  await times("PUT")();
  return { get: times("GET"), put: times("PUT"), close: one.close };
};

/** The memory of a server that was just started and asked once, settled. */
const settled = async (server: Served): Promise<number> => {
  await server.api("GET", "/tenants?limit=1");
  await sleep(3000);
  return server.memory();
};

/** What one tenant costs, and one server with very many. */
export const manyTenants: Bench = {
  name: "many-tenants",
  run: async ({ rounds, commitDelay }) => {
    await using few = await served(commitDelay);
    await few.api("POST", "/tenants", { id: "t00000" });
    const little = await settled(few);
    await using postgres = await durablePostgres(commitDelay);
    const created = await (async () => {
      await using making = await servedOn(postgres);
      return await create(making);
    })();
    await using many = await servedOn(postgres);
    const grown = await settled(many);
    const pages: number[] = [];
    for (let i = 0; i < 20; i++)
      pages.push(await elapsed(() => many.api("GET", "/tenants?limit=1000")));
    const [alone, among] = [await oneTenant(few), await oneTenant(many)];
    const [getAlone = 0, getAmong = 0, putAlone = 0, putAmong = 0] = await alternate(
      Math.max(9, rounds),
      [alone.get, among.get, alone.put, among.put],
    );
    alone.close();
    among.close();
    const name = tenants.toLocaleString("en");
    const beside = (value: number, baseline: number) => ({
      unit: "ms",
      value,
      baseline: { name: "with one tenant", value: baseline },
      ratio: value / baseline,
      goals: [most(1.25, "ratio")],
    });
    return [
      {
        name: `tenants made a second over HTTP, ${name} of them`,
        unit: "1/s",
        value: created,
        goals: [least(100, "value")],
      },
      {
        name: `a page of 1,000 of ${name} tenants`,
        unit: "ms",
        value: median(pages),
        goals: [most(100)],
      },
      { name: `GET 4 KiB of one tenant of ${name}, p50`, ...beside(getAmong, getAlone) },
      { name: `PUT 4 KiB of one tenant of ${name}, p50`, ...beside(putAmong, putAlone) },
      {
        name: `the server's memory an idle tenant, ${name} of them`,
        unit: "KiB",
        value: (grown - little) / 1024 / tenants,
        goals: [most(20)],
      },
    ];
  },
};
