import type { Backend, OpContext, Removed } from "@bulkhead/contract";
import {
  type Effect,
  migrateTenantDatabase,
  type Pools,
  postgres,
  type PostgresBackend,
} from "@bulkhead/backend-postgres";
import { overrideBackend, plainContext, stack } from "@bulkhead/kit";
import type { Intents } from "@bulkhead/ledger";
import { lazy, readOnly, verifyResidency } from "@bulkhead/resilience";
import { type Afterwork, type Outcome, settle } from "@bulkhead/settle";
import type { StorageRequest } from "./open-storage.ts";
import { type SettledEffects, settledEffects } from "./settled-effects.ts";
import type { RootDatabase } from "./tenant-databases.ts";

export interface PostgresRequest extends StorageRequest {
  readonly intents: Intents;
  readonly afterwork: Afterwork;
  readonly pools: Pools;
  readonly database: () => Promise<RootDatabase>;
}

const idleMs = 60_000;

const ownContext = (): OpContext => plainContext({ requestId: "server" });

/**
 * A tree in a tenant's own database, opened on first use. Any process may serve it; while it is idle it holds neither
 * connections nor timers.
 */
export const openPostgres = (request: PostgresRequest): Backend =>
  lazy({
    scheme: "postgres",
    idleMs,
    open: async () => {
      const { backend, forget } = await prepare(request);
      const { intents, afterwork, mount, tenant } = request;
      const exact = settle({
        intents,
        afterwork,
        mount,
        tenant,
        fencing: undefined,
        recovery: backend,
        charging: "reported",
        outcome: async (ctx, staged) => outcomeOf(await backend.effects.find(ctx, staged)),
        settled: forget.settled,
      });
      const closing = overrideBackend(backend, {
        close: async () => {
          await forget.close();
          await backend.close();
        },
      });
      return stack<Backend>(closing, ...(request.spec.readOnly ? [readOnly] : []), exact);
    },
  });

/** Settles what processes that are gone left behind, whether the mount is open or not. */
export const replayPostgres = async (request: PostgresRequest): Promise<void> => {
  const { backend, forget } = await prepare(request);
  await forget.close();
  await backend.close();
};

/** Counts what is in a tree that is about to go; undefined where it does not answer, or never came to be. */
export const weighPostgres = async (
  { pools }: Pick<PostgresRequest, "pools">,
  database: Promise<RootDatabase>,
): Promise<Removed | undefined> => {
  try {
    const { url, schema } = await database;
    const backend = postgres({ url, schema, pools });
    try {
      return await backend.weigh(ownContext());
    } finally {
      await backend.close();
    }
  } catch {
    return undefined;
  }
};

const prepare = async (
  request: PostgresRequest,
): Promise<{ readonly backend: PostgresBackend; readonly forget: SettledEffects }> => {
  const { url, schema } = await request.database();
  await migrateTenantDatabase(url, { schema });
  const backend = postgres({ url, schema, pools: request.pools });
  const forget = settledEffects((staged) => backend.effects.settled(ownContext(), staged));
  try {
    await backend.probe(ownContext());
    await verifyResidency(backend, request.spec.region);
    await replay(request, backend);
    await backend.sweep(ownContext());
  } catch (error) {
    await backend.close();
    throw error;
  }
  return { backend, forget };
};

/**
 * Applies effects to the ledger whose intent nobody settled in time. An effect's row stays for a day: whoever made it
 * may still be there, and ask what became of it.
 */
const replay = async (
  { intents, mount }: PostgresRequest,
  backend: PostgresBackend,
): Promise<void> => {
  for (const { id, state, staged, operation } of await intents.lapsed(mount)) {
    if (state === "open" || staged === undefined) {
      await intents.discard(id);
      continue;
    }
    const side = await backend.recover(ownContext(), { operation, paths: [], staged });
    const effect = side === "done" ? await backend.effects.find(ownContext(), staged) : undefined;
    if (side === "undone") await intents.discard(id);
    // Nothing of the effect is known only where it was settled meanwhile, and its intent with it.
    else if (effect !== undefined) await intents.charge(id, outcomeOf(effect) ?? {});
  }
};

const outcomeOf = (effect: Effect | undefined): Outcome | undefined =>
  effect && {
    files: effect.files,
    bytes: effect.bytes,
    ...(effect.etag !== undefined && { etag: effect.etag }),
  };
