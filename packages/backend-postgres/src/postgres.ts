import {
  type Backend,
  type Capability,
  FileError,
  type OpContext,
  pathLimits,
  type Recovery,
  type Removed,
} from "@bulkhead/contract";
import { checkSignal } from "@bulkhead/kit";
import { collect, collector } from "./collect.ts";
import { database } from "./database.ts";
import { databaseUnavailable } from "./errors.ts";
import { type Effects, effects } from "./effects.ts";
import { list, stat } from "./look.ts";
import { defaultSchema } from "./migrate.ts";
import { copy, mkdir, move, remove, write } from "./mutate.ts";
import { pools } from "./pools.ts";
import type { Pools } from "./pools-types.ts";
import { read } from "./read.ts";
import { recovery } from "./recover.ts";
import { currentVersion } from "./schema/migrations.ts";
import { checkSchema } from "./schema/quoted.ts";
import { statementsOf } from "./statements.ts";
import type { Volume } from "./volume.ts";

export interface PostgresOptions {
  /** The database, with the credentials of a role that may use the schema. `migrateTenantDatabase` has prepared it. */
  readonly url: string;
  /** `bulkhead` by default. */
  readonly schema?: string;
  /** Connections shared with other tenants' databases; up to four of its own without. */
  readonly pools?: Pools;
  /** How long an upload may pause before it is given up, in milliseconds. An hour by default. */
  readonly leaseMs?: number;
  /** How long replaced and removed content stays for those who are reading it, in milliseconds. Ten minutes by default. */
  readonly graceMs?: number;
  /** How long the rows of effects stay that nobody settled, in milliseconds. A day by default. */
  readonly effectKeepMs?: number;
  /**
   * How long after it was granted a change may begin to take effect, in milliseconds. 2,500 by default: with the seven
   * seconds that a statement may take, it has ended when the grant's lease of ten seconds is over.
   */
  readonly grantMs?: number;
  /** Entries below a directory that is copied or removed in one step. 50,000 by default. */
  readonly maxTreeEntries?: number;
}

export interface PostgresBackend extends Backend, Recovery {
  readonly effects: Effects;
  /** Counts what is in the whole tree. */
  readonly weigh: (ctx: OpContext) => Promise<Removed>;
}

const capability: Capability = {
  conditionalWrite: true,
  atomicMove: true,
  directories: true,
  versions: false,
  exactReplace: true,
  contentEtag: false,
  orderedList: true,
  contentType: true,
  metadata: true,
  durable: true,
  maxFileSize: undefined,
  maxPathBytes: pathLimits.pathBytes,
};

/** Refuses calls after `close`, and knows when none is running. */
const gate = () => {
  let running = 0;
  let closed = false;
  let idle: (() => void) | undefined;
  return {
    through:
      <A extends readonly unknown[], R>(
        call: (...args: A) => Promise<R>,
      ): ((...args: A) => Promise<R>) =>
      async (...args) => {
        if (closed) throw new FileError("unavailable", "This storage has been closed.");
        running += 1;
        try {
          return await call(...args);
        } finally {
          running -= 1;
          if (running === 0) idle?.();
        }
      },
    close: async (): Promise<void> => {
      closed = true;
      if (running > 0) await new Promise<void>((resolve) => (idle = resolve));
    },
  };
};

/**
 * Makes a storage of one database (or schema): tree and content. Connects at the first call; `probe` says whether it can.
 * Any number of processes may serve one database. `close` refuses new calls and waits for those that run; content that
 * is being read ends with an error once the connections are gone.
 */
export const postgres = (options: PostgresOptions): PostgresBackend => {
  const schema = checkSchema(options.schema ?? defaultSchema);
  const own = options.pools ?? pools({ maxConnections: 4 });
  const graceMs = options.graceMs ?? 600_000;
  const garbage = collector(() => collect(volume), graceMs);
  const volume: Volume = {
    database: database(own, options.url, statementsOf(schema), options.grantMs ?? 2500),
    leaseMs: options.leaseMs ?? 3_600_000,
    graceMs,
    maxTreeEntries: options.maxTreeEntries ?? 50_000,
    retired: garbage.retired,
  };
  const { through, close } = gate();
  const { recover, sweep } = recovery(volume, options.effectKeepMs ?? 86_400_000);
  const { pending, find, settled } = effects(volume);
  return {
    scheme: "postgres",
    capability,
    stat: through(stat(volume)),
    read: through(read(volume)),
    write: through(write(volume)),
    list: through(list(volume)),
    mkdir: through(mkdir(volume)),
    remove: through(remove(volume)),
    copy: through(copy(volume)),
    move: through(move(volume)),
    region: () => Promise.resolve(undefined),
    probe: through(async (ctx) => {
      checkSignal(ctx.signal);
      const [row] = await volume.database.rows("version", [], ctx.signal);
      if (row?.[0] !== String(currentVersion)) throw databaseUnavailable();
    }),
    close: async () => {
      await close();
      await garbage.stop();
      if (options.pools === undefined) await own.close();
    },
    recover: through(recover),
    sweep: through(sweep),
    effects: { pending: through(pending), find: through(find), settled: through(settled) },
    weigh: through(async (ctx) => {
      const [row] = await volume.database.rows("weigh", [], ctx.signal);
      return { files: Number(row?.[0] ?? 0), bytes: Number(row?.[1] ?? 0) };
    }),
  };
};
