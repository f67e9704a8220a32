import { connect, type Socket } from "node:net";
import { z } from "zod";

const members = z.record(z.string(), z.unknown());

/** One answer as it came over the socket. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly json: () => Record<string, unknown>;
}

/** A connection that says exactly what it is told to. */
export interface RawConnection {
  readonly socket: Socket;
  readonly write: (text: string | Uint8Array) => void;
  /** The next answer; rejects when the connection ends in the middle of it. `head` for an answer without content. */
  readonly next: (options?: { readonly head?: boolean }) => Promise<RawAnswer>;
  readonly ended: Promise<void>;
}

const parseHead = (head: string): { status: number; headers: Map<string, string> } => {
  const [line = "", ...rest] = head.split("\r\n");
  const headers = new Map(
    rest.map((field) => [
      field.slice(0, field.indexOf(":")).toLowerCase(),
      field.slice(field.indexOf(":") + 1).trim(),
    ]),
  );
  return { status: Number(line.split(" ")[1]), headers };
};

/** Connects to `url` without any HTTP client in between. */
export const rawConnection = (url: string): RawConnection => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = Buffer.alloc(0);
  let closed = false;
  let wake = (): void => undefined;
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => undefined);
  socket.once("close", () => {
    closed = true;
    wake();
  });
  const more = async (): Promise<void> => {
    if (closed)
      throw new Error(
        `The connection ended after ${JSON.stringify(received.toString("latin1").slice(0, 200))}.`,
      );
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  };
  return {
    socket,
    ended,
    write: (text) => void socket.write(text),
    next: async ({ head = false } = {}) => {
      let end = received.indexOf("\r\n\r\n");
      for (; end < 0; end = received.indexOf("\r\n\r\n")) await more();
      const { status, headers } = parseHead(received.subarray(0, end).toString("latin1"));
      const bodiless = head || status === 204 || status === 304 || status < 200;
      const length = bodiless ? 0 : Number(headers.get("content-length"));
      while (received.length < end + 4 + length) await more();
      const body = received.subarray(end + 4, end + 4 + length);
      received = received.subarray(end + 4 + length);
      return {
        status,
        headers,
        body,
        json: () => members.parse(JSON.parse(body.toString())),
      };
    },
  };
};

/** Sends one request on a connection of its own and closes it after the answer. */
export const rawRequest = async (url: string, text: string | Uint8Array): Promise<RawAnswer> => {
  const connection = rawConnection(url);
  connection.write(text);
  try {
    return await connection.next();
  } finally {
    connection.socket.destroy();
  }
};
