import { RemoteFS } from "@bulkhead/client";
import type { Finding } from "@bulkhead/contract";
import { health, problemSchema } from "@bulkhead/wire";
import type { Endpoint } from "../connection.ts";
import type { Terminal } from "../terminal.ts";
import { version } from "../version.ts";
import { isTimeout, keyOf, mountsOf } from "./ask-key.ts";

const answerMs = 10_000;
/** A header's time has whole seconds; more than this is somebody's wrong clock. */
const skewMs = 5000;

const causes: Readonly<Record<string, readonly [string, string]>> = {
  ECONNREFUSED: [
    "nothing listens there",
    "Start the server, or name another --url (BULKHEAD_URL).",
  ],
  ENOTFOUND: ["there is no such host", "Correct the --url, or the DNS."],
  EAI_AGAIN: ["the host's name could not be looked up", "Look at the DNS of this machine."],
  ECONNRESET: [
    "it cut the connection",
    "Look whether it speaks https, and write that in the --url.",
  ],
  TimeoutError: [
    "it did not answer in 10 s",
    "Look at firewalls and proxies between here and there.",
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    "its certificate is signed by itself",
    "Trust it: NODE_EXTRA_CA_CERTS=cert.pem, or give the server a certificate of an authority.",
  ],
  CERT_HAS_EXPIRED: ["its certificate has expired", "Renew the certificate and start it anew."],
};

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.cause === undefined ? error.name : codeOf(error.cause);
};

/** The innermost reason is what the system said. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
};

const unreachable = (url: string, error: unknown): Finding => {
  const code = codeOf(error);
  const [why, next] = causes[code] ?? [
    `the connection failed (${reasonOf(error)})`,
    "Look whether host, port and http or https in the --url are right.",
  ];
  return { check: "server", state: "failed", detail: `${url} cannot be reached: ${why}.`, next };
};

const clockOf = (date: string | null, between: number, now: number): readonly Finding[] => {
  const theirs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs)) return [];
  const ahead = theirs - (now - between / 2);
  const check = "clock";
  if (Math.abs(ahead) - between / 2 - 1000 <= skewMs)
    return [{ check, state: "ok", detail: "The server's clock is this machine's." }];
  return [
    {
      check,
      state: "failed",
      detail: `The server's clock is ${(Math.abs(ahead) / 1000).toFixed(0)} s ${ahead > 0 ? "ahead of" : "behind"} this machine's.`,
      next: "Set both by NTP (chrony, systemd-timesyncd): what ends at a time ends by the server's.",
    },
  ];
};

const unreadyOf = (what: string): Finding => {
  if (what === "database")
    return {
      check: "database",
      state: "failed",
      detail: "The server does not reach its database, and refuses everything with 503.",
      next: "Start the database, or the server anew with another --database-url; on its machine: bulkhead doctor --data-dir …",
    };
  if (what === "recovery")
    return {
      check: "database",
      state: "failed",
      detail: "The server's database is a standby, which takes no writes.",
      next: "Name the primary in --database-url.",
    };
  if (what.startsWith("mount "))
    return {
      check: "mount",
      state: "failed",
      detail: `The storage of the ${what} does not answer, or is not in its region.`,
      next: "On the server's machine, with its configuration: bulkhead doctor --config bulkhead.yaml",
    };
  return { check: "ready", state: "failed", detail: `Not ready: ${what}.`, next: "Read its log." };
};

const readiness = async (
  fetch: typeof globalThis.fetch,
  base: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const check = "ready";
  try {
    const answer = await fetch(`${base}/readyz`, { signal });
    const problem = problemSchema.safeParse(await answer.json().catch(() => undefined));
    const unready = problem.success ? (problem.data.unready ?? []) : [];
    if (unready.length > 0) return unready.map(unreadyOf);
    return [{ check, state: "ok", detail: "Database and mounts answer." }];
  } catch (error) {
    if (!isTimeout(error)) throw error;
    return [
      {
        check,
        state: "failed",
        detail: "The server did not say in 10 s whether its database and mounts answer.",
        next: "Look at the load of its machine and of its database, and at its log.",
      },
    ];
  }
};

/** Asks a server what it says of itself and of the key; the first finding tells whether it answers. */
export async function* askServer(
  { url, key }: Endpoint,
  io: Pick<Terminal, "fetch" | "signal">,
): AsyncGenerator<Finding> {
  const { fetch = globalThis.fetch } = io;
  const within = (): AbortSignal =>
    AbortSignal.any([
      AbortSignal.timeout(answerMs),
      ...(io.signal === undefined ? [] : [io.signal]),
    ]);
  const base = url.replace(/\/+$/, "");
  const asked = performance.now();
  let answer: Response;
  let body: unknown;
  try {
    answer = await fetch(`${base}/health`, { redirect: "manual", signal: within() });
    body = await answer.json().catch(() => undefined);
  } catch (error) {
    io.signal?.throwIfAborted();
    return yield unreachable(url, error);
  }
  const seen = health.safeParse(body);
  if (!seen.success)
    return yield {
      check: "server",
      state: "failed",
      detail: `What answers at ${url} is no Bulkhead (status ${answer.status}).`,
      next: "Correct host and port in the --url, and what a proxy in front of it sends where.",
    };
  const other = seen.data.version !== version;
  yield {
    check: "server",
    state: other ? "warning" : "ok",
    detail: `Bulkhead ${seen.data.version} answers at ${url}${other ? `, and this command is ${version}` : ""}`,
    ...(other && { next: "Use the command of the same release." }),
  };
  yield* clockOf(answer.headers.get("Date"), performance.now() - asked, Date.now());

  yield* await readiness(fetch, base, within());

  if (key === undefined)
    return yield {
      check: "key",
      state: "skipped",
      detail: `There is no key for ${url}.`,
      next: "Set BULKHEAD_KEY, pass --key, or store one: bulkhead profile add <name>.",
    };
  const retry = { attempts: 1 };
  const remote = new RemoteFS({ url, apiKey: key, fetch, retry });
  const known = await keyOf(remote, within());
  yield known;
  if (known.state === "ok") yield* mountsOf(remote, within());
}
