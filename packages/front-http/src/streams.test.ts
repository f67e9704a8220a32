import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileError } from "@bulkhead/contract";
import { problemSchema } from "@bulkhead/wire";
import { memory } from "@bulkhead/backend-memory";
import { rawConnection, rawRequest } from "./test/raw.ts";
import { aliceKey, until, type World, worldOver } from "./test/world.ts";

const auth = `Host: x\r\nAuthorization: Bearer ${aliceKey}\r\n`;
const chunk = new Uint8Array(256 * 1024).fill(7);
const endless = { size: 64 * 1024 * 1024 };

let world: World;
let streams = { begun: 0, ended: 0, sent: 0 };
let hold: PromiseWithResolvers<void> = Promise.withResolvers();
let taken = 0;
beforeAll(async () => {
  world = await worldOver(memory(), {
    stallMs: 300,
    session: (inner) => ({
      read: async (ctx, path, options) => {
        if (!/^\/(big|broken|short|long|hang)$/.test(path)) return inner.read(ctx, path, options);
        async function* content(): AsyncGenerator<Uint8Array> {
          streams.begun += 1;
          try {
            for (let sent = 0; sent < endless.size; sent += chunk.length) {
              if (sent > 0 && path === "/broken") throw new Error("The disk is gone.");
              if (sent > 0 && path === "/short") return;
              if (sent > 0 && path === "/hang") await new Promise(() => undefined);
              streams.sent += chunk.length;
              yield chunk;
            }
            if (path === "/long") yield chunk;
          } finally {
            streams.ended += 1;
          }
        }
        return {
          stat: { name: path.slice(1), kind: "file", size: endless.size, modifiedAt: 0, etag: "e" },
          content: content(),
          [Symbol.asyncDispose]: () => Promise.resolve(),
        };
      },
      write: async (ctx, path, body, options) => {
        if (path === "/sink") {
          taken = 0;
          for await (const part of body.open()) {
            await hold.promise;
            taken += part.length;
          }
          return { etag: "s", size: taken, created: true };
        }
        if (path === "/exact") {
          // Stops at the declared size, as a storage may.
          let size = 0;
          for await (const part of body.open())
            if ((size += part.length) >= (body.size ?? 0)) break;
          return { etag: "s", size, created: true };
        }
        if (path === "/wrap")
          return inner.write(ctx, path, body, options).catch((cause: unknown) => {
            throw new FileError("unavailable", "Something is wrong.", { cause });
          });
        if (path === "/full") throw Object.assign(new Error("never read the body"));
        return inner.write(ctx, path, body, options);
      },
    }),
  });
});
afterAll(() => world.close());

/** Resolves when a number has not changed for a while. */
const settled = async (value: () => number, ms = 100): Promise<void> => {
  for (let before = -1; before !== value(); await new Promise((resolve) => setTimeout(resolve, ms)))
    before = value();
};

const exists = async (name: string): Promise<boolean> =>
  (await world.fetch(`/v1/stat/${name}`)).status === 200;

describe("a digest", () => {
  const body = Buffer.from("hello world");
  const of = (algorithm: string): string =>
    `:${createHash(algorithm).update(body).digest("base64")}:`;
  const put = (name: string, headers: Record<string, string>): Promise<Response> =>
    world.fetch(`/v1/files/${name}`, { method: "PUT", body, headers });

  it("that is right lets the body through", async () => {
    for (const [name, value] of [
      ["Content-Digest", `sha-256=${of("sha256")}`],
      ["Repr-Digest", `sha-512=${of("sha512")}`],
      ["Content-Digest", `md5=:AAAA:, sha-256=${of("sha256")}, sha-512=${of("sha512")}`],
    ] as const) {
      expect((await put("digest", { [name]: value })).status).toBeLessThan(300);
      expect(await (await world.fetch("/v1/files/digest")).text()).toBe("hello world");
    }
  });

  it("that is wrong leaves nothing", async () => {
    const wrong = `sha-256=:${Buffer.alloc(32).toString("base64")}:`;
    for (const [name, value] of [
      ["Content-Digest", wrong],
      ["Repr-Digest", wrong],
      ["Content-Digest", `${wrong}, sha-512=${of("sha512")}`],
      ["Content-Digest", "sha-256=:AAAA:"],
      ["Content-Digest", "sha-256=abc"],
      ["Content-Digest", "md5=:AAAA:"],
      ["Content-Digest", "=="],
    ] as const) {
      const answer = await put("wrong", { [name]: value });
      expect([value, answer.status]).toEqual([value, 400]);
      expect(await exists("wrong")).toBe(false);
    }
  });

  it("is judged even by a storage that stops at the declared size", async () => {
    const wrong = `sha-256=:${Buffer.alloc(32).toString("base64")}:`;
    expect((await put("exact", { "Content-Digest": wrong })).status).toBe(400);
    expect((await put("exact", { "Content-Digest": `sha-256=${of("sha256")}` })).status).toBe(201);
  });

  it("is the reason that is told, whatever the storage says", async () => {
    const answer = await put("wrap", {
      "Content-Digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:`,
    });
    expect([answer.status, problemSchema.parse(await answer.json()).code]).toEqual([
      400,
      "invalid-request",
    ]);
  });

  it("is checked for an append, too", async () => {
    const headers = { "Content-Digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
    expect((await world.fetch("/v1/append/log", { method: "POST", body, headers })).status).toBe(
      400,
    );
    expect(await exists("log")).toBe(false);
  });
});

describe("an upload", () => {
  it("streams, chunked or not", async () => {
    const content = randomBytes(3_000_000);
    const stream = new Blob([content]).stream();
    const made = await world.fetch("/v1/files/up", {
      method: "PUT",
      body: stream,
      duplex: "half",
    } as RequestInit);
    expect(made.status).toBe(201);
    expect(
      Buffer.from(await (await world.fetch("/v1/files/up")).arrayBuffer()).equals(content),
    ).toBe(true);
  });

  it.each([
    ["with a length", "Content-Length: 100\r\n\r\nhalf"],
    ["chunked", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
  ])("whose client goes away stores nothing and leaves nothing open: %s", async (_name, rest) => {
    const { pulled } = world.seen;
    const connection = rawConnection(world.url);
    connection.write(`PUT /v1/files/cut HTTP/1.1\r\n${auth}${rest}`);
    await until(() => world.seen.pulled === pulled + 1);
    connection.socket.destroy();
    await until(() => world.seen.left === world.seen.pulled);
    expect(world.seen.credentials.at(-1)?.signal.aborted).toBe(true);
    expect(await exists("cut")).toBe(false);
  });

  it("whose chunks are nonsense stores nothing", async () => {
    const connection = rawConnection(world.url);
    connection.write(
      `PUT /v1/files/bad HTTP/1.1\r\n${auth}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n`,
    );
    expect((await connection.next()).status).toBe(400);
    await connection.ended;
    await until(() => world.seen.left === world.seen.pulled);
    expect(await exists("bad")).toBe(false);
  });

  it("that stalls is given up with 408", async () => {
    const connection = rawConnection(world.url);
    connection.write(`PUT /v1/files/stall HTTP/1.1\r\n${auth}Content-Length: 100\r\n\r\nhalf`);
    const answer = await connection.next();
    expect([answer.status, answer.json()["code"], answer.headers.get("connection")]).toEqual([
      408,
      "timeout",
      "close",
    ]);
    await connection.ended;
    expect(world.seen.left).toBe(world.seen.pulled);
    expect(await exists("stall")).toBe(false);
  });

  it("that is slow but alive goes through", async () => {
    const connection = rawConnection(world.url);
    connection.write(`PUT /v1/files/slow HTTP/1.1\r\n${auth}Content-Length: 5\r\n\r\n`);
    for (const letter of "hello") {
      await new Promise((resolve) => setTimeout(resolve, 120));
      connection.write(letter);
    }
    expect((await connection.next()).status).toBe(201);
    connection.socket.destroy();
  });

  it("of 64 MiB waits for the storage", async () => {
    let sent = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          if (sent === endless.size) return controller.close();
          sent += chunk.length;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 0 },
    );
    hold = Promise.withResolvers();
    const made = world.fetch("/v1/files/sink", {
      method: "PUT",
      body: source,
      duplex: "half",
    } as RequestInit);
    await settled(() => sent);
    // What the two sockets and their streams buffer, not the file.
    expect(sent).toBeLessThan(endless.size / 2);
    hold.resolve();
    expect((await made).status).toBe(201);
    expect(taken).toBe(endless.size);
  });

  it("that is refused gets its answer while the body is still coming", async () => {
    const refused = async (target: string, key: string, status: number): Promise<void> => {
      const connection = rawConnection(world.url);
      connection.write(
        `${target === "/v1/mkdir" ? "POST" : "PUT"} ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Length: 50000000\r\n\r\n`,
      );
      connection.write(chunk);
      const answer = await connection.next();
      expect([target, answer.status, answer.headers.get("connection")]).toEqual([
        target,
        status,
        "close",
      ]);
      connection.write(chunk);
      connection.write(chunk);
      await connection.ended;
    };
    await Promise.all([
      refused("/v1/files/x", "wrong", 401),
      refused("/v1/files//x", aliceKey, 400),
      refused("/v1/mkdir", aliceKey, 413),
      refused("/v1/files/full", aliceKey, 500),
    ]);
  });

  it("by fetch that is refused gets its answer", async () => {
    const answer = await fetch(`${world.url}/v1/files/x`, {
      method: "PUT",
      body: new Uint8Array(900_000),
    });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: "unauthenticated" });
  });
});

describe("Expect: 100-continue", () => {
  const head = (key: string, more = ""): string =>
    `PUT /v1/files/expect HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n${more}\r\n`;
  it("is answered once the body is wanted", async () => {
    const connection = rawConnection(world.url);
    connection.write(head(aliceKey));
    expect((await connection.next()).status).toBe(100);
    connection.write("hello");
    expect((await connection.next()).status).toBe(201);
    connection.write(`GET /v1/files/expect HTTP/1.1\r\n${auth}\r\n`);
    expect((await connection.next()).body.toString()).toBe("hello");
    connection.socket.destroy();
  });
  it("is never answered where the body is refused", async () => {
    for (const [key, more, status] of [
      ["wrong", "", 401],
      [aliceKey, "If-Match: nonsense\r\n", 400],
      [aliceKey, 'If-Match: "a", "b"\r\n', 412],
    ] as const) {
      const connection = rawConnection(world.url);
      connection.write(head(key, more));
      const answer = await connection.next();
      expect([answer.status, answer.headers.get("connection")]).toEqual([status, "close"]);
      await connection.ended;
    }
  });
});

describe("a download", () => {
  it("of 64 MiB waits for the reader and arrives in whole", async () => {
    streams = { begun: 0, ended: 0, sent: 0 };
    const connection = rawConnection(world.url);
    connection.socket.pause();
    connection.write(`GET /v1/files/big HTTP/1.1\r\n${auth}\r\n`);
    await until(() => streams.sent > 0);
    await settled(() => streams.sent, 20);
    expect(streams.sent).toBeLessThan(endless.size / 2);
    connection.socket.destroy();
    const got = await world.fetch("/v1/files/big");
    expect(got.headers.get("content-length")).toBe(String(endless.size));
    let size = 0;
    for await (const part of got.body ?? []) size += (part as Uint8Array).length;
    expect(size).toBe(endless.size);
    await until(() => world.seen.disposed === world.seen.opened);
    expect(streams).toMatchObject({ begun: 2, ended: 2 });
  });

  it.each(["broken", "short"])("whose source is %s never ends cleanly", async (name) => {
    const got = await world.fetch(`/v1/files/${name}`);
    await expect(got.arrayBuffer().then(() => "complete")).rejects.toThrow();
    await until(() => world.seen.disposed === world.seen.opened);
    expect(streams.begun).toBe(streams.ended);
  });

  it("whose source is too long ends where its length says, and the connection with it", async () => {
    const connection = rawConnection(world.url);
    connection.write(`GET /v1/files/long HTTP/1.1\r\n${auth}\r\n`);
    let size = 0;
    connection.socket
      .removeAllListeners("data")
      .on("data", (part: Buffer) => (size += part.length));
    await connection.ended;
    expect(size).toBeLessThan(endless.size + 1000);
    expect(world.seen.disposed).toBe(world.seen.opened);
  });

  it("whose reader goes away is let go", async () => {
    for (const name of ["big", "hang"]) {
      const connection = rawConnection(world.url);
      connection.socket.pause();
      connection.write(`GET /v1/files/${name} HTTP/1.1\r\n${auth}\r\n`);
      const { opened } = world.seen;
      await until(() => world.seen.opened === opened + 1);
      connection.socket.destroy();
      await until(() => world.seen.disposed === world.seen.opened);
      expect(world.seen.credentials.at(-1)?.signal.aborted).toBe(true);
    }
  });

  it("that waits behind another on a connection that ends is let go", async () => {
    const connection = rawConnection(world.url);
    connection.socket.pause();
    const { length } = world.seen.credentials;
    const line = `GET /v1/files/big HTTP/1.1\r\n${auth}\r\n`;
    connection.write(line.repeat(30));
    await until(() => world.seen.credentials.length > length);
    connection.socket.destroy();
    await until(() => world.seen.disposed === world.seen.opened);
    expect(world.seen.credentials.length).toBe(length + 1);
  });

  it("that nobody takes is cut off", async () => {
    const connection = rawConnection(world.url);
    connection.socket.pause();
    connection.write(`GET /v1/files/big HTTP/1.1\r\n${auth}\r\n`);
    await until(() => world.seen.opened > world.seen.disposed);
    await until(() => world.seen.disposed === world.seen.opened);
    connection.socket.destroy();
  });

  it("ends at once when the request is cut", async () => {
    const got = await world.fetch("/v1/files/big");
    world.seen.credentials.at(-1)?.cut();
    await expect(got.arrayBuffer()).rejects.toThrow();
    await until(() => world.seen.disposed === world.seen.opened);
  });

  it("of HEAD and of 304 opens no stream", async () => {
    streams = { begun: 0, ended: 0, sent: 0 };
    expect(
      (await world.fetch("/v1/files/big", { headers: { "If-None-Match": '"e"' } })).status,
    ).toBe(304);
    expect((await world.fetch("/v1/files/big?version=1", { method: "HEAD" })).status).toBe(200);
    expect(streams.begun).toBe(0);
    expect(world.seen.disposed).toBe(world.seen.opened);
  });
});

describe("stopping", () => {
  it("lets what runs end, and takes nothing new", async () => {
    const other = await worldOver(memory());
    const connection = rawConnection(other.url);
    const idle = rawConnection(other.url);
    idle.write(`GET /health HTTP/1.1\r\nHost: x\r\n\r\n`);
    await idle.next();
    connection.write(`PUT /v1/files/last HTTP/1.1\r\n${auth}Content-Length: 5\r\n\r\nhe`);
    await until(() => other.seen.pulled === 1);
    const closed = other.front.close({ graceMs: 5000 });
    await idle.ended;
    await expect(fetch(`${other.url}/health`)).rejects.toThrow();
    connection.write("llo");
    const answer = await connection.next();
    expect([answer.status, answer.headers.get("connection")]).toEqual([201, "close"]);
    await closed;
    expect(answer.json()["size"]).toBe(5);
  });
  it("cuts off what does not end in time", async () => {
    const other = await worldOver(memory());
    const connection = rawConnection(other.url);
    connection.write(`PUT /v1/files/last HTTP/1.1\r\n${auth}Content-Length: 5\r\n\r\nhe`);
    await until(() => other.seen.pulled === 1);
    await other.front.close({ graceMs: 50 });
    await connection.ended;
    await until(() => other.seen.left === 1);
    await expect(rawRequest(other.url, "x")).rejects.toThrow();
  });
});
