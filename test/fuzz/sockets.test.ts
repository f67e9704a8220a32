// Bytes that are almost requests, over a socket: each gets an answer that is no failure of the server's, or the connection
// ends; nothing hangs, nothing is left open.
import { connect } from "node:net";
import { memory } from "@bulkhead/backend-memory";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aliceKey, type World, worldOver } from "../../packages/front-http/src/test/world.ts";
import { cases, seeded } from "./fuzz.ts";
import { mutated } from "./mutated.ts";

let world: World;
beforeAll(async () => {
  world = await worldOver(memory(), { stallMs: 2000, headersMs: 2000 });
});
afterAll(() => world?.close());

const head = `Host: x\r\nAuthorization: Bearer ${aliceKey}\r\n`;
const seeds = [
  `GET /v1/files/a.txt?version=1 HTTP/1.1\r\n${head}Range: bytes=0-1\r\nIf-None-Match: "x"\r\n\r\n`,
  `PUT /v1/files/d/a.txt HTTP/1.1\r\n${head}Content-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello`,
  `PUT /v1/files/a.txt HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n`,
  `POST /v1/mkdir HTTP/1.1\r\n${head}Content-Length: 13\r\nIdempotency-Key: k\r\n\r\n{"path":"/m"}`,
  `GET /v1/list/ HTTP/1.1\r\n${head}\r\nHEAD /v1/stat/a.txt HTTP/1.1\r\n${head}Connection: close\r\n\r\n`,
  `PUT /v1/files/e HTTP/1.1\r\n${head}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx`,
  `GET http://other/v1/whoami HTTP/1.1\r\n${head}Forwarded: for=1.2.3.4\r\nX-Tenant-ID: acme\r\n\r\n`,
  "GET /docs HTTP/1.0\r\n\r\n",
];

/** How long one may take at most, in milliseconds; the server gives up on what stands still well before. */
const longest = 20_000;

/** Sends bytes on a connection of their own, says that nothing more comes, and gives back all that was answered. */
const exchange = (bytes: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(world.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const chunks: Buffer[] = [];
    const hung = setTimeout(() => {
      socket.destroy();
      reject(new Error(`No end after ${Buffer.concat(chunks).toString("latin1").slice(0, 300)}`));
    }, longest);
    socket
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("error", () => undefined)
      .on("close", () => {
        clearTimeout(hung);
        resolve(Buffer.concat(chunks).toString("latin1"));
      });
    socket.end(bytes);
    socket.on("end", () => socket.end());
  });

/** Each of them is a connection. */
const few = Math.ceil(cases / 3);

test(
  `requests that are almost some, ${few} of them`,
  async () => {
    await fc.assert(
      fc.asyncProperty(mutated(seeds), fc.boolean(), async ({ text }, wide) => {
        const answer = await exchange(Buffer.from(text, wide ? "utf8" : "latin1"));
        for (const [, status] of answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm))
          if (Number(status) >= 500) throw new Error(answer);
        const [first = ""] = answer.split("\r\n\r\n", 1);
        if (first.startsWith("HTTP/1.1 4"))
          expect(first).toMatch(/^content-type: application\/problem\+json$/im);
      }),
      { numRuns: few, ...seeded },
    );
    const sockets = await new Promise<number>((resolve, reject) =>
      world.front.app.server.getConnections((error, count) =>
        error === null ? resolve(count) : reject(error),
      ),
    );
    expect(sockets).toBeLessThan(10);
    expect((await world.fetch("/livez")).status).toBe(200);
    expect(world.seen.disposed).toBe(world.seen.opened);
  },
  60_000 + few * 30,
);
