import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { runSource } from "@bulkhead/harness";
import { durablePostgres } from "../durable-postgres.ts";
import { alternate, elapsed } from "../measure.ts";
import { type Bench, least, type Row } from "../row.ts";
import { client } from "../served.ts";

const size = 100 * 1024 * 1024;
const content = randomBytes(size);
const frontFile = fileURLToPath(new URL("../baselines/front-both-ways.ts", import.meta.url));

/** 100 MiB up and down on a plain folder, with every policy on and without one, in MiB a second. */
export const largeOverHttp: Bench = {
  name: "large-over-http",
  run: async ({ rounds, commitDelay }) => {
    await using postgres = await durablePostgres(commitDelay);
    const platformKey = `platform-${randomBytes(24).toString("hex")}`;
    await using server = runSource(frontFile, [postgres.url, postgres.folder, platformKey]);
    const url = await server.url();
    const bareUrl = /^bare on (\S+)$/m.exec(server.stdout.join("\n"))?.[1] ?? "";
    const headers = { authorization: `Bearer ${platformKey}` };
    const [governed, bare] = [client(url, 1), client(bareUrl, 1)];
    const send = async (to: typeof bare, method: string, body?: Uint8Array): Promise<number> => {
      const taken = await elapsed(async () => {
        const path = "/v1/files/workspace/acme/large";
        const status = await to.send({ method, path, headers, ...(body && { body }) });
        if (status >= 300) throw new Error(`Answered ${status}.`);
      });
      return (size / 1024 / 1024 / taken) * 1000;
    };
    try {
      const made = await fetch(`${url}/v1/tenants`, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ id: "acme" }),
      });
      if (!made.ok) throw new Error(await made.text());
      for (const to of [governed, bare]) await send(to, "PUT", content);
      const [up = 0, bareUp = 0, down = 0, bareDown = 0] = await alternate(rounds, [
        () => send(governed, "PUT", content),
        () => send(bare, "PUT", content),
        () => send(governed, "GET"),
        () => send(bare, "GET"),
      ]);
      const row = (name: string, value: number, baseline: number): Row => ({
        name: `${name} 100 MiB over HTTP, plain folder`,
        unit: "MiB/s",
        value,
        baseline: { name: "the same server without policy", value: baseline },
        ratio: value / baseline,
        goals: [least(0.8)],
      });
      return [row("PUT", up, bareUp), row("GET", down, bareDown)];
    } finally {
      governed.close();
      bare.close();
    }
  },
};
