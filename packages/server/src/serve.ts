import { readFile } from "node:fs/promises";
import type { TenantsHealth } from "@bulkhead/contract";
import { closers, makeFolder, openEngine } from "@bulkhead/engine";
import { httpFront, type HttpFrontOptions } from "@bulkhead/front-http";
import { cannotListen } from "./cannot-listen.ts";
import type { Config } from "./config-schema.ts";
import { loadConfig } from "./load-config.ts";
import { auditKeysOf, openMasterKeys, readMasterKeys, sealKeysOf } from "./master-key.ts";
import { placementsOf } from "./placements-of.ts";
import { planSettings } from "./plan-settings.ts";
import { createLog, type Log } from "./create-log.ts";
import { answeredRequest } from "./answered-request.ts";
import { failedRequest } from "./failed-request.ts";
import { startMetrics } from "./metrics.ts";
import { startTracing } from "./start-tracing.ts";
import { version } from "./version.ts";

/** What flags and environment say; what is undefined comes from the configuration file or has a default. */
export interface ServeOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly dataDir?: string | undefined;
  readonly databaseUrl?: string | undefined;
  /** A `bulkhead.yaml`. */
  readonly config?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly platformKey?: string | undefined;
  readonly masterKey?: string | undefined;
  /** Good as well, while the master key is being replaced. */
  readonly otherMasterKey?: string | undefined;
  /** For `${VAR}` in the file. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface ServeOutput {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

export interface Server {
  readonly url: string;
  /** Lets running requests finish, then stops everything this server started. */
  readonly close: () => Promise<void>;
}

/**
 * Starts a server: ledger (PostgreSQL of its own unless a URL is given), engine, HTTP front. Resolves when it answers.
 * Rejects with one clear sentence, and leaves nothing running.
 */
export const serve = async (options: ServeOptions, output: ServeOutput): Promise<Server> => {
  const tls = tlsOf(options);
  const config = await loadConfig(
    options.config,
    {
      host: options.host,
      port: options.port,
      dataDir: options.dataDir,
      databaseUrl: options.databaseUrl,
      tls,
    },
    options.env ?? process.env,
  );
  const opened = closers((error) =>
    output.err(`while stopping: ${error instanceof Error ? error.message : "unknown error"}`),
  );
  try {
    const url = await start(config, options, output, opened.add);
    output.out(`listening on ${url}`);
    return { url, close: opened.close };
  } catch (error) {
    await opened.close();
    throw error;
  }
};

const start = async (
  config: Config,
  options: ServeOptions,
  output: ServeOutput,
  opened: (close: () => Promise<void>) => void,
): Promise<string> => {
  await makeFolder(config.dataDir);
  const log = createLog(config.log.level, output.err);
  const { current, others } = await openMasterKeys(config.dataDir, options);
  const engine = await openEngine({
    databaseUrl: config.databaseUrl,
    dataDir: config.dataDir,
    masterKeyFingerprint: current.fingerprint,
    otherFingerprints: others.map(({ fingerprint }) => fingerprint),
    certificateKey: current.derive("certificate"),
    platformKey: options.platformKey,
    region: config.region,
    regions: config.regions,
    metadataAnywhere: config.residency.metadata === "allowed",
    namespaceRoots: config.namespaceRoots,
    placements: await placementsOf(config),
    // As of now: a key may have been replaced since the start.
    sealKeys: () => sealKeysOf(readMasterKeys(config.dataDir, options)),
    auditKeys: () => auditKeysOf(readMasterKeys(config.dataDir, options)),
    tenantConnections: config.tenantConnections,
    graphBytes: config.relationMemory * 1024 * 1024,
    admission: { ...config.admission, waitMs: config.admission.waitSeconds * 1000 },
    rateLimits: config.rateLimits,
    failedAuthentication: config.rateLimits.failedAuthentication,
    defaultPlacement: config.defaultPlacement,
    mounts: config.mounts,
    plans: planSettings(config),
    backends: config.backends,
    uploads: { root: config.uploads.root, expiryMs: config.uploads.expiryHours * 3_600_000 },
    log: (event, detail) => log("warn", event, detail),
  });
  opened(() => engine.close());
  const { minted, file } = engine.platformKey;
  if (minted !== undefined) output.out(`platform key: ${minted} (shown once; kept in ${file})`);

  const observe = await observers(config, engine.health, log, opened);
  const front = httpFront({
    control: engine.control,
    version,
    cursorKeys: [current, ...others].map((key) => key.derive("cursor")),
    trustedProxies: config.trustedProxies,
    corsOrigins: config.cors.origins,
    domain: config.domain,
    ...observe,
    ...(config.tls !== undefined && {
      tls: {
        cert: await readFile(config.tls.cert, "utf8"),
        key: await readFile(config.tls.key, "utf8"),
      },
    }),
  });
  const listening = await front.listen(config).catch((error: unknown) => {
    throw cannotListen(error, config);
  });
  opened(() => front.close({ graceMs: config.shutdownGraceSeconds * 1000 }));
  return listening.url;
};

/** What hears of every request: metrics, the log, and traces where they are configured. */
const observers = async (
  { log: { requests }, traces }: Config,
  health: () => Promise<TenantsHealth>,
  log: Log,
  opened: (close: () => Promise<void>) => void,
): Promise<Required<Pick<HttpFrontOptions, "log" | "metrics">>> => {
  const metrics = startMetrics(health, { version });
  const tracing = traces && (await startTracing({ ...traces, version }));
  if (tracing !== undefined) opened(tracing.close);
  return {
    metrics: metrics.text,
    log: (entry) => {
      metrics.observe(entry);
      tracing?.observe(entry);
      if (entry.error !== undefined) log("error", "request-failed", failedRequest(entry));
      else if (requests === "all") log("info", "request", answeredRequest(entry));
    },
  };
};

/** The files of TLS, where both are named. Throws where one is missing. */
export const tlsOf = ({
  tlsCert,
  tlsKey,
}: Pick<ServeOptions, "tlsCert" | "tlsKey">): { cert: string; key: string } | undefined => {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new Error("TLS needs both a certificate and its key: --tls-cert and --tls-key.");
  return { cert: tlsCert, key: tlsKey };
};
