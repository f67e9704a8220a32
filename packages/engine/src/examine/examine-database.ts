import type { Finding } from "@bulkhead/contract";
import {
  type ExaminedLedger,
  examineLedger,
  findRunning,
  type UnreachableLedger,
} from "@bulkhead/ledger";
import { isDead } from "../process-holder.ts";
import type { ExamineOptions } from "./examine-options.ts";

/** Expiry, leases and signatures live with so much; one more is somebody's wrong clock. */
const skewMs = 5000;

/** The address without user and password. */
const addressOf = (url: string): string => {
  const parsed = URL.parse(url);
  const folder = parsed?.searchParams.get("host");
  return parsed === null ? "the database" : `${folder ?? parsed.host}${parsed.pathname}`;
};

const causes: Readonly<Record<string, readonly [string, string]>> = {
  ECONNREFUSED: ["nothing listens there", "Start PostgreSQL, or correct the --database-url."],
  ENOENT: ["nothing listens there", "Start PostgreSQL, or correct the --database-url."],
  ENOTFOUND: ["there is no such host", "Correct the host in the --database-url, or the DNS."],
  EAI_AGAIN: ["the host's name could not be looked up", "Look at the DNS of this machine."],
  ETIMEDOUT: ["it did not answer", "Look at firewalls between here and there."],
  "28P01": ["user or password are wrong", "Correct them in the --database-url."],
  "28000": ["the user is refused", "Correct user and password, or the server's pg_hba.conf."],
  "3D000": ["there is no such database", "Make it (createdb), or correct the --database-url."],
  "53300": ["it has no connection left", "Raise max_connections, or stop what holds them."],
  "55000": ["it takes no connections now", "Allow them: alter database … allow_connections true."],
  "57P03": ["it is starting or stopping", "Wait, and look at its log."],
  "42501": ["the user may not read the ledger", "Name the user that the server connects as."],
};

const unreachable = (url: string, { code }: UnreachableLedger): Finding => {
  const [why, next] = causes[code] ?? [
    `it cannot be used${code === "" ? ": it did not answer in time" : ` (${code})`}`,
    "Look at the log of PostgreSQL, and try the address with psql.",
  ];
  return {
    check: "database",
    state: "failed",
    detail: `The database ${addressOf(url)} cannot be reached: ${why}.`,
    next,
  };
};

const judged = (url: string, found: ExaminedLedger, options: ExamineOptions): Finding => {
  const failed = (detail: string, next: string): Finding => ({
    check: "database",
    state: "failed",
    detail,
    next,
  });
  const { server, inRecovery, schema, latest, region } = found;
  if (server < 150_000)
    return failed(
      `The database ${addressOf(url)} is PostgreSQL ${Math.floor(server / 10_000)}.`,
      "Upgrade it to 15 or newer.",
    );
  if (inRecovery)
    return failed(
      `The database ${addressOf(url)} is a standby, which takes no writes.`,
      "Name the primary, or promote this one after the old primary was fenced off.",
    );
  if (schema !== undefined && schema > latest)
    return failed(
      `The ledger was used by a newer release (schema ${schema}, this one knows ${latest}).`,
      "Start the newer release.",
    );
  if (region !== undefined && options.region !== undefined && region !== options.region)
    return failed(
      `The ledger is in the region '${region}', and the configuration says '${options.region}'.`,
      "Correct the region in the configuration, or name another database.",
    );
  return {
    check: "database",
    state: "ok",
    detail: `PostgreSQL ${Math.floor(server / 10_000)} at ${addressOf(url)}, ${
      schema === undefined ? "without a ledger yet" : `schema ${schema} of ${latest}`
    }`,
  };
};

const clock = ({ aheadMs, withinMs }: ExaminedLedger): Finding => {
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  const side = aheadMs > 0 ? "ahead of" : "behind";
  return Math.abs(aheadMs) - withinMs > skewMs
    ? {
        check: "clock",
        state: "failed",
        detail: `The database's clock is ${seconds} s ${side} this machine's.`,
        next: "Set both by NTP (chrony, systemd-timesyncd): keys, grants and links end by the database's clock.",
      }
    : { check: "clock", state: "ok", detail: `The database's clock is this machine's.` };
};

const masterKey = (
  { fingerprints }: ExaminedLedger,
  own: readonly string[] | undefined,
): readonly Finding[] => {
  if (fingerprints.length === 0) return [];
  const check = "master key";
  if (own?.some((one) => fingerprints.includes(one)) === true)
    return [{ check, state: "ok", detail: "The master key is the ledger's." }];
  return [
    {
      check,
      state: "failed",
      detail:
        own === undefined
          ? "There is no master key in the data folder, and none in BULKHEAD_MASTER_KEY."
          : "The ledger was made with another master key.",
      next: "Put the ledger's own into <data-dir>/master-key or BULKHEAD_MASTER_KEY, or name another database.",
    },
  ];
};

/** A lease outlives who was killed, for some seconds. */
const living = async (held: ExaminedLedger["holders"]): Promise<ExaminedLedger["holders"]> => {
  const dead = await Promise.all(held.map(({ holder }) => isDead(holder)));
  return held.filter((_, i) => dead[i] !== true);
};

/** Who serves what only one process may serve. */
const holders = ({ holders: held }: ExaminedLedger): readonly Finding[] => {
  const names = new Map<string, number>();
  for (const { holder } of held) {
    const name = `${holder.host}, pid ${holder.pid}`;
    names.set(name, (names.get(name) ?? 0) + 1);
  }
  if (names.size === 0) return [];
  const told = [...names].map(([name, count]) => `${count} by ${name}`).join("; ");
  return [
    names.size === 1
      ? { check: "servers", state: "ok", detail: `Plain storages are held: ${told}.` }
      : {
          check: "servers",
          state: "warning",
          detail: `Several servers hold plain storages: ${told}. Each answers 503 for those of the others.`,
          next: "Send requests for plain folders to one server, or place tenants on versioned storage.",
        },
  ];
};

/** Looks at the ledger's database; starts none. Answers what was found inside, too. */
export const examineDatabase = async (
  options: ExamineOptions,
): Promise<{
  readonly findings: readonly Finding[];
  readonly ledger: ExaminedLedger | undefined;
}> => {
  const url = options.databaseUrl ?? (await findRunning(options.dataDir).catch(() => undefined));
  if (url === undefined)
    return {
      ledger: undefined,
      findings: [
        {
          check: "database",
          state: "skipped",
          detail: "The PostgreSQL of the data folder runs only while its server does.",
        },
      ],
    };
  const seen = await examineLedger(url);
  if ("code" in seen) return { ledger: undefined, findings: [unreachable(url, seen)] };
  const found = { ...seen, holders: await living(seen.holders) };
  return {
    ledger: found,
    findings: [
      judged(url, found, options),
      clock(found),
      ...masterKey(found, options.masterKeyFingerprints),
      ...holders(found),
    ],
  };
};
