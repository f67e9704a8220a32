import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";

/** A PUT whose body stopped in the middle. */
export interface HalfUpload {
  /** Sends the rest and waits for the answer. */
  readonly finish: () => Promise<{ readonly status: number; readonly text: string }>;
  /** Resolves when the connection ended without an answer. */
  readonly broken: Promise<void>;
}

const part = Buffer.alloc(1024 * 1024, "n");

/** Begins a PUT of 2 MiB, with its length announced or in chunks, and sends the first half. */
export const halfUpload = (
  url: string,
  key: string,
  target: string,
  chunked: boolean,
): HalfUpload => {
  const { hostname, port } = new URL(url);
  const sent = request({
    agent: false,
    hostname,
    port,
    method: "PUT",
    path: target,
    headers: {
      authorization: `Bearer ${key}`,
      ...(chunked ? {} : { "content-length": 2 * part.length }),
    },
  });
  const broken = new Promise<void>((resolve) => sent.on("error", () => resolve()));
  // An answer may come before the rest is sent; the content that comes with it waits until it is asked for.
  const answered = once(sent, "response");
  answered.catch(() => undefined);
  sent.write(part);
  return {
    broken,
    finish: async () => {
      sent.end(part);
      const [response]: readonly IncomingMessage[] = await answered;
      if (response === undefined) throw new Error("No response.");
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      await once(response, "end");
      return { status: response.statusCode ?? 0, text };
    },
  };
};
