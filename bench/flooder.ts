// One tenant's flood, from a process of its own that gives way to everything else: its cost on the client's side is not
// the server's. Arguments: url, key, kind. Prints `flooding` once its connections are busy, and runs until it is ended.
import { Agent, request } from "node:http";
import { getPriority, setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { client, type Sent } from "./served.ts";

const [url = "", key = "", kind = ""] = process.argv.slice(2);
setPriority(Math.min(19, getPriority() + 10));
const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
let n = 0;

/** What each kind sends as fast as it is answered, on so many connections. */
const loops: Readonly<Record<string, readonly [number, () => Sent]>> = {
  lists: [64, () => ({ method: "GET", path: "/v1/list/many?limit=1000", headers })],
  greps: [
    64,
    () => ({
      method: "POST",
      path: "/v1/grep",
      headers,
      body: Buffer.from(JSON.stringify({ pattern: "x+y+z", path: "/many" })),
    }),
  ],
  writes: [
    64,
    () => ({
      method: "PUT",
      path: `/v1/files/written/f${(n += 1) % 512}`,
      headers,
      body: Buffer.from("x"),
    }),
  ],
};

/** Opens so many downloads, takes nothing of them, and opens those anew that are cut off. */
const slowReads = async (count: number): Promise<void> => {
  const agent = new Agent({ maxSockets: Infinity });
  const { hostname, port } = new URL(url);
  const { promise: all, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  const open = (): void => {
    const again = (): void => void setTimeout(open, 100);
    const outgoing = request(
      { agent, hostname, port, path: "/v1/files/large", headers },
      (answer) => {
        answer.once("close", again).pause();
        begun += 1;
        if (begun === count) resolve();
      },
    );
    outgoing.once("error", again).end();
  };
  for (let i = 0; i < count; i++) open();
  await all;
};

/** A thousand a second, of which its limit lets next to none through. */
const refused = async (): Promise<void> => {
  const to = client(url, 50);
  const tick = (): void => {
    for (let i = 0; i < 10; i++)
      void to.send({ method: "GET", path: "/v1/stat/large", headers }).catch(() => undefined);
  };
  setInterval(tick, 10);
};

const loop = loops[kind];
if (loop !== undefined) {
  const [connections, make] = loop;
  const to = client(url, connections);
  for (let i = 0; i < connections; i++)
    void (async () => {
      for (;;) await to.send(make()).catch(() => sleep(100));
    })();
} else if (kind === "slow-reads") await slowReads(200);
else if (kind === "refused") await refused();
else throw new Error(`No such flood: ${kind}.`);
await sleep(300);
process.stdout.write("flooding\n");
