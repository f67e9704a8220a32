import { randomBytes } from "node:crypto";
import { BulkheadError, type RemoteFS } from "@bulkhead/client";
import type { Answered } from "./transcript.ts";

/** What a verification runs against, and how it speaks. */
export interface VerifyOptions {
  /** With the platform's key. */
  readonly remote: RemoteFS;
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal | undefined;
  readonly runs: number;
  readonly seed: string;
  /** Tells people how far it is. */
  readonly note: (text: string) => void;
}

/** Something that must not be. */
export interface Finding {
  readonly run: number;
  readonly seed: string;
  readonly what: string;
}

export interface Verified {
  readonly property: "isolation" | "durability" | "quota";
  readonly seed: string;
  readonly runs: number;
  /** How much was looked at: answers compared, writes acknowledged, and the like. */
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

/** One request, as it is written on the wire. */
export interface Asked {
  readonly method: string;
  /** From `/v1` on, encoded. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** Tenants that a verification makes for itself. What it made is gone when it ends, however it does. */
export interface Trials {
  /** Names nobody else uses, told apart by a word. */
  readonly id: (word: string) => string;
  readonly make: (id: string) => Promise<void>;
  /** Mints a key for all of a trial tenant. */
  readonly key: (id: string) => Promise<string>;
  readonly remove: (id: string) => Promise<void>;
  /** Leaves a tenant to whoever goes on with it. */
  readonly leave: (id: string) => void;
  readonly ask: (key: string, asked: Asked) => Promise<Answered>;
}

const retried = 8;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const isGone = (error: unknown): boolean =>
  error instanceof BulkheadError && error.code === "not-found";

/** Runs `work` with trial tenants, and takes all of them away afterwards, also after a failure or an interruption. */
export const withTrials = async <R>(
  { remote, fetch, signal }: Pick<VerifyOptions, "remote" | "fetch" | "signal">,
  work: (trials: Trials) => Promise<R>,
): Promise<R> => {
  const mark = randomBytes(4).toString("hex");
  const made = new Set<string>();

  // None of the caller's signal: who interrupts wants it gone all the same.
  const remove = async (id: string): Promise<void> => {
    try {
      const { job } = await remote.tenants.delete(id, { confirm: id, grace: "P0D" });
      await remote.jobs.wait(job);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    made.delete(id);
  };

  const ask = async (key: string, { method, target, headers, body }: Asked): Promise<Answered> => {
    for (let i = 1; ; i++) {
      signal?.throwIfAborted();
      const response = await fetch(`${remote.url}${target}`, {
        method,
        headers: { ...headers, Authorization: `Bearer ${key}` },
        ...(body !== undefined && { body: new Uint8Array(body) }),
        ...(signal !== undefined && { signal }),
      });
      const answered: Answered = {
        status: response.status,
        headers: [...response.headers],
        body: Buffer.from(await response.arrayBuffer()),
      };
      // A server that is busy for a moment says nothing yet.
      if ((answered.status !== 503 && answered.status !== 429) || i === retried) return answered;
      await pause(Math.min(Number(response.headers.get("retry-after") ?? 1), 2) * 1000);
    }
  };

  try {
    return await work({
      id: (word) => `verify-${mark}-${word}`,
      make: async (id) => {
        signal?.throwIfAborted();
        made.add(id);
        await remote.tenants.create({ id, name: "made by bulkhead verify" });
      },
      key: async (id) => {
        const minted = await remote.keys.create({
          name: "verify",
          workspacePrefix: `/workspace/${id}`,
          scopes: ["read", "write", "share", "admin"],
        });
        return minted.key ?? "";
      },
      remove,
      leave: (id) => void made.delete(id),
      ask,
    });
  } finally {
    for (const id of made) await remove(id);
  }
};
