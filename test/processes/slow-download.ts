import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";

/** How a download ended. */
export interface Ended {
  readonly bytes: number;
  /** True if the answer ended as HTTP says that a whole one ends. */
  readonly complete: boolean;
}

/** A download whose reader takes little and then waits. */
export interface SlowDownload {
  /** Reads all that comes from now on, to whatever end. */
  readonly drain: () => Promise<Ended>;
  /** Whether the server still has the connection, as the kernel sees it: a reader that waits hears of nothing. */
  readonly isOpen: () => Promise<boolean>;
}

const hexPort = (port: string | number | undefined): string =>
  `:${Number(port).toString(16).toUpperCase().padStart(4, "0")}`;

/** Begins a GET and reads its first bytes, no more. Throws unless it is answered 200. */
export const slowDownload = async (
  url: string,
  key: string,
  target: string,
): Promise<SlowDownload> => {
  const { hostname, port } = new URL(url);
  const headers = { authorization: `Bearer ${key}` };
  const sent = request({ agent: false, hostname, port, path: target, headers });
  sent.end();
  const [response]: readonly IncomingMessage[] = await once(sent, "response");
  if (response?.statusCode !== 200) throw new Error(`${target}: ${response?.statusCode}`);
  // Nobody hears an error that comes while nothing is read.
  response.on("error", () => undefined);
  let bytes = 0;
  const ended = new Promise<Ended>((resolve) =>
    response.once("close", () => resolve({ bytes, complete: response.complete })),
  );
  response.on("data", (chunk: Buffer) => (bytes += chunk.length));
  await once(response, "data");
  response.pause();
  const client = hexPort(response.socket.localPort);
  return {
    isOpen: async () => {
      // proc(5), tcp: the 2nd and 3rd fields are the two ends, the 4th is the state, of which 01 is ESTABLISHED.
      const lines = (await readFile("/proc/net/tcp", "utf8")).split("\n");
      return lines.some((line) => {
        const [, local = "", remote = "", state] = line.trim().split(/\s+/);
        return local.endsWith(hexPort(port)) && remote.endsWith(client) && state === "01";
      });
    },
    drain: () => {
      response.resume();
      return ended;
    },
  };
};
