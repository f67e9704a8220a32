import { join } from "node:path";
import {
  type Backend,
  FileError,
  type Layer,
  type OpContext,
  parseBackendPath,
  type Recovery,
} from "@bulkhead/contract";
import { local } from "@bulkhead/backend-local";
import { memory } from "@bulkhead/backend-memory";
import type { FrameRoom } from "@bulkhead/backend-versioned";
import type { Pools } from "@bulkhead/backend-postgres";
import { makeDirectory, overrideBackend, plainContext, stack } from "@bulkhead/kit";
import { lazy, mechanics, verifyResidency } from "@bulkhead/resilience";
import { type Afterwork, settle, sweep } from "@bulkhead/settle";
import type { Accounted, ContentRoots, Intents, Leases, Trees } from "@bulkhead/ledger";
import type { BucketPlace } from "./bucket-spec.ts";
import { closed } from "./closed.ts";
import { held } from "./held.ts";
import { openBucket, type Supports } from "./open-bucket.ts";
import { openPostgres, type PostgresRequest } from "./open-postgres.ts";
import { openVersioned, type VersionedRequest } from "./open-versioned.ts";
import type { StorageSpec } from "./mount-spec.ts";
import type { RootDatabase } from "./tenant-databases.ts";

export interface Storages {
  readonly leases: Leases;
  readonly intents: Intents;
  readonly accounted: Accounted;
  readonly contentRoots: ContentRoots;
  readonly afterwork: Afterwork;
  readonly trees: Trees;
  readonly room: FrameRoom;
  /** Connections to all tenants' databases. */
  readonly pools: Pools;
  readonly supports: Supports;
  /** The region that the ledger is in, if the configuration says. */
  readonly ledgerRegion: string | undefined;
}

export interface StorageRequest {
  /** The mount's id in the ledger. */
  readonly mount: string;
  /** The name under which the ledger knows where its content lies; the mount's id by default. */
  readonly store?: string | undefined;
  readonly spec: StorageSpec;
  /** For `local`: the folder. */
  readonly root: string | undefined;
  /** For `s3`, and for `versioned` over a bucket. */
  readonly bucket?: BucketPlace | undefined;
  /** The uid of the tenant on whose ground the mount lies, asked at each change. */
  readonly tenant: () => string | undefined;
  /** For `postgres`: where its tree is, asked at each opening. */
  readonly database?: (() => Promise<RootDatabase>) | undefined;
  /** Directories at the storage's root that exist from the first opening on. */
  readonly directories?: readonly string[];
}

/** How long a storage that nobody asks for stays open, and with it its lease. */
const idleMs = 60_000;

type Layered = (backend: Backend, recovery: Recovery | undefined, fencing: number) => Backend;

/**
 * What stands around a storage outside the ledger, in the order of `mechanicsOrder`; residency was verified on opening.
 * `exact` is left out where the ledger is exact by itself.
 */
const layersOf = (
  { readOnly, mechanics: wanted = {} }: Pick<StorageSpec, "readOnly" | "mechanics">,
  exact: Layer<Backend> | undefined,
  recovery: Recovery | undefined,
): readonly Layer<Backend>[] => {
  const { timeoutMs, retries, concurrency } = wanted;
  return mechanics({
    readOnly,
    settle: exact,
    retry: { ...(retries !== undefined && { retries }), ...(recovery && { recovery }) },
    timeout: timeoutMs === undefined ? {} : { answerMs: timeoutMs, progressMs: timeoutMs },
    concurrency: concurrency === undefined ? {} : { calls: concurrency },
  }).map(({ layer }) => layer);
};

const ownContext = (): OpContext => plainContext({ requestId: "server" });

/** A storage with all its layers, opened on first use, closed when idle. */
export const openStorage = (storages: Storages, request: StorageRequest): Backend => {
  const { mount, spec } = request;
  const layered: Layered = (backend, recovery, fencing) => {
    const exact = settle({
      intents: storages.intents,
      afterwork: storages.afterwork,
      mount,
      tenant: request.tenant,
      fencing,
      recovery,
      // What is mounted to be read is somebody else's to fill, and nobody's charge.
      ...(!spec.readOnly && {
        charging: { accounted: storages.accounted, forgets: recovery === undefined },
      }),
    });
    return stack(backend, ...layersOf(spec, exact, recovery));
  };

  switch (spec.backend) {
    case "versioned":
      return openVersioned(versionedRequest(storages, request));
    case "postgres":
      return openPostgres(postgresRequest(storages, request));
    case "memory":
      return openMemory(storages, request, layered);
    case "local":
    case "s3":
      return lazy({
        scheme: spec.backend,
        idleMs,
        open: (lost) =>
          held(storages.leases, `mount:${mount}`, lost, async (fencing) => {
            const backend = await openContent(storages, request);
            try {
              await verifyResidency(backend, spec.region);
              await sweep(ownContext(), storages.intents, mount, backend, {
                accounted: storages.accounted,
                backend,
              });
              for (const name of request.directories ?? [])
                await makeDirectory(backend, ownContext(), parseBackendPath(name), {
                  existOk: true,
                });
            } catch (error) {
              await backend.close();
              throw error;
            }
            return layered(backend, backend, fencing);
          }),
      });
    default:
      return spec.backend satisfies never;
  }
};

/** What a process that ended held in memory is gone, whatever it had begun. */
const gone: Recovery = { recover: () => Promise.resolve("undone"), sweep: () => Promise.resolve() };

/** Kept for the life of the process, also while the lease is not its own; never closed for idling. */
const openMemory = (
  storages: Storages,
  { mount, spec }: StorageRequest,
  layered: Layered,
): Backend => {
  const kept = overrideBackend(memory(), { close: () => Promise.resolve() });
  return lazy({
    scheme: "memory",
    open: (lost) =>
      held(storages.leases, `mount:${mount}`, lost, async (fencing) => {
        await verifyResidency(kept, spec.region);
        await sweep(ownContext(), storages.intents, mount, gone);
        return layered(kept, undefined, fencing);
      }),
  });
};

/** What a versioned mount is opened and collected with. */
export const versionedRequest = (
  storages: Storages,
  request: StorageRequest,
): VersionedRequest => ({
  ...request,
  trees: storages.trees,
  room: storages.room,
  ledgerRegion: storages.ledgerRegion,
  openContent: async () => {
    // Each content has a name of its own, which is never a directory's.
    const content = await openContent(storages, request, { collisions: false });
    // A tree that is only read is still collected.
    const spec = { readOnly: false, mechanics: request.spec.mechanics };
    const backend = stack<Backend>(content, ...layersOf(spec, undefined, content));
    return { backend, sweep: content.sweep };
  },
});

/** What a mount in a tenant's own database is opened and looked after with. */
export const postgresRequest = (
  { intents, afterwork, pools }: Storages,
  request: StorageRequest,
): PostgresRequest => ({
  ...request,
  intents,
  afterwork,
  pools,
  database:
    request.database ??
    (() =>
      Promise.reject(
        new FileError("unavailable", "Only a tenant's root has a database of its own."),
      )),
});

/** Opens what holds the files themselves: a bucket where one is named, else a folder. */
const openContent = (
  storages: Pick<Storages, "contentRoots" | "supports">,
  request: StorageRequest,
  extra: { readonly collisions?: boolean } = {},
): Promise<Backend & Recovery> => {
  const { bucket, spec, mount, store = mount } = request;
  if (bucket === undefined && spec.backend !== "s3") return openLocal(storages, request);
  if (bucket === undefined)
    return Promise.reject(
      new FileError("unavailable", "This mount has no bucket; name one in its options.s3."),
    );
  // What a tree that is only read stands on is still collected.
  const readOnly = spec.readOnly && spec.backend === "s3";
  return openBucket(
    storages,
    { store, spec: { region: spec.region, readOnly }, place: bucket },
    extra,
  );
};

const openLocal = async (
  storages: Pick<Storages, "contentRoots">,
  { mount, store = mount, spec, root }: StorageRequest,
): Promise<Backend & Recovery> => {
  if (root === undefined)
    throw new FileError("unavailable", "This mount has no folder; name one in its options.root.");
  const expect = await storages.contentRoots.get(store);
  const backend = await local({
    root,
    durability: spec.durability,
    marker: expect === undefined ? {} : { expect },
  });
  if (expect === undefined) await storages.contentRoots.record(store, backend.marker);
  return backend;
};

/** Keeps the place of a mount whose placement the configuration no longer has. */
export const unplaced = (placement: string): Backend =>
  closed(`The placement '${placement}' of this part of the tree is not configured.`);

/** The folder of a tenant's root under its placement: named by the uid, which is never used again, and the namespace. */
export const placedRoot = (placementRoot: string, uid: string, namespace: string): string =>
  join(placementRoot, uid, namespace);
