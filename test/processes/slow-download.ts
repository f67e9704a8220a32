import { once } from "node:events";
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
}

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
  return {
    drain: () => {
      response.resume();
      return ended;
    },
  };
};
