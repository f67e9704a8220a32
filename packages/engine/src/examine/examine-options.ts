import type { BackendSpec, MountSpec, PlacementSpec, StorageSpec } from "../mount-spec.ts";

/** Which server of this machine is looked at. */
export interface ExamineOptions {
  readonly dataDir: string;
  /** The ledger's PostgreSQL; without it the one in the data folder. */
  readonly databaseUrl: string | undefined;
  /** Fingerprints of the master keys that are at hand; undefined where there is none. */
  readonly masterKeyFingerprints: readonly string[] | undefined;
  readonly region: string | undefined;
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  readonly mounts: readonly MountSpec[];
  readonly backends: Readonly<Record<string, BackendSpec>>;
  /** True if a server answers where one is asked; undefined where none was. */
  readonly answers: boolean | undefined;
  readonly signal: AbortSignal;
}

/** A storage of the configuration, by the name that its operator knows. */
export interface NamedStorage {
  readonly name: string;
  readonly spec: StorageSpec;
}

/** Everything that the configuration says of storages. */
export const storagesOf = ({
  placements,
  mounts,
  backends,
}: Pick<ExamineOptions, "placements" | "mounts" | "backends">): readonly NamedStorage[] => [
  ...Object.entries(placements).map(([name, spec]) => ({ name: `placement ${name}`, spec })),
  ...mounts.map((spec) => ({ name: `mount ${spec.path}`, spec })),
  ...Object.entries(backends).map(([name, spec]) => ({ name: `backend ${name}`, spec })),
];
