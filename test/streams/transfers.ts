import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Where requests go, and with which key. */
export interface Target {
  readonly url: string;
  readonly key: string;
}

const mib = 1024 * 1024;

/** After so many bytes the content begins again; no frame or buffer is as long. */
const period = mib - 3;
const block = Buffer.alloc(period + mib);
for (let i = 0; i < block.length; i++) {
  const at = i % period;
  block[i] = (at * 7 + (at >> 8) * 13) % 251;
}

/** The content from `at` on, `length` bytes, at most 1 MiB. */
export const contentAt = (at: number, length: number): Buffer => {
  const start = at % period;
  return block.subarray(start, start + length);
};

const options = ({ url, key }: Target, method: string, path: string) => {
  const { hostname, port } = new URL(url);
  return {
    agent: false,
    hostname,
    port,
    method,
    path,
    headers: { authorization: `Bearer ${key}` },
  };
};

/** Sends so many bytes; in chunks if no length is announced. Throws unless they are stored. */
export const put = async (
  target: Target,
  path: string,
  size: number,
  announced = true,
): Promise<void> => {
  const sent = request(options(target, "PUT", path));
  if (announced) sent.setHeader("content-length", size);
  const answered = once(sent, "response");
  answered.catch(() => undefined);
  for (let at = 0; at < size; at += mib)
    if (!sent.write(contentAt(at, Math.min(mib, size - at)))) await once(sent, "drain");
  sent.end();
  const [response]: readonly IncomingMessage[] = await answered;
  response?.resume();
  if (response?.statusCode !== 201) throw new Error(`PUT ${path}: ${response?.statusCode}`);
};

export interface ReadingOptions {
  /** Bytes to take before each pause; all at once by default. */
  readonly step?: number;
  /** How long a pause is, in milliseconds. */
  readonly pauseMs?: number;
  /** Called with the connection open and the first bytes here. */
  readonly begun?: () => Promise<void>;
}

/** Begins to read; comes back, as it is asked to, where the server has too much to do. */
const begunGet = async (target: Target, path: string): Promise<IncomingMessage> => {
  for (;;) {
    const sent = request(options(target, "GET", path));
    sent.end();
    const [response]: readonly IncomingMessage[] = await once(sent, "response");
    if (response?.statusCode === 200) return response;
    response?.resume();
    if (response?.statusCode !== 503) throw new Error(`GET ${path}: ${response?.statusCode}`);
    await sleep(1000);
  }
};

/** Reads a content and compares every byte. Throws unless exactly `size` bytes come, and the answer ends well. */
export const get = async (
  target: Target,
  path: string,
  size: number,
  { step = Infinity, pauseMs = 0, begun }: ReadingOptions = {},
): Promise<void> => {
  const response = await begunGet(target, path);
  let at = 0;
  let taken = 0;
  let first = begun;
  for await (const chunk of response) {
    const bytes: Buffer = chunk;
    for (let from = 0; from < bytes.length; from += mib) {
      const part = bytes.subarray(from, from + mib);
      if (!contentAt(at, part.length).equals(part)) throw new Error(`${path} differs near ${at}.`);
      at += part.length;
    }
    taken += bytes.length;
    if (first !== undefined) {
      const wait = first;
      first = undefined;
      await wait();
    }
    if (taken >= step) {
      taken = 0;
      await sleep(pauseMs);
    }
  }
  if (at !== size || !response.complete) throw new Error(`${path} ended after ${at} bytes.`);
};

/** Sends a part of an upload, and then nothing but the end of the connection. */
export const abortPut = async (
  target: Target,
  path: string,
  size: number,
  part: number,
  announced: boolean,
): Promise<void> => {
  const sent = request(options(target, "PUT", path));
  sent.on("error", () => undefined);
  if (announced) sent.setHeader("content-length", size);
  for (let at = 0; at < part; at += mib)
    if (!sent.write(contentAt(at, Math.min(mib, part - at)))) await once(sent, "drain");
  await sleep(20);
  sent.destroy();
};

/** Reads a part of a content, and ends the connection. */
export const abortGet = async (target: Target, path: string, part: number): Promise<void> => {
  const sent = request(options(target, "GET", path));
  sent.on("error", () => undefined);
  sent.end();
  const [response]: readonly IncomingMessage[] = await once(sent, "response");
  let taken = 0;
  response?.on("error", () => undefined);
  for await (const chunk of response ?? []) {
    taken += Buffer.byteLength(chunk);
    if (taken >= part) break;
  }
  sent.destroy();
};
