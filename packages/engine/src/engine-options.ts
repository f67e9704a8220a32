import type { Control, PlanSettings, TenantsHealth } from "@bulkhead/contract";
import type { SealKeys } from "./open-tenant-databases.ts";
import type { AuditKeys } from "./head-signer.ts";
import type { BackendSpec, MountSpec, PlacementSpec } from "./mount-spec.ts";
import type { EntranceSettings } from "./open-entrance.ts";
import type { RegionOptions } from "./open-regions.ts";
import type { PlatformKey } from "./platform-key.ts";

export interface EngineOptions extends EntranceSettings, RegionOptions {
  /** The ledger's PostgreSQL; without it one is started in `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** Where the ledger's own PostgreSQL, placements without a folder of their own, and the platform's files lie. */
  readonly dataDir: string;
  /** Names the master key; a ledger that knows another one does not open. */
  readonly masterKeyFingerprint: string;
  /** Name other master keys that are at hand, while one is being replaced. */
  readonly otherFingerprints?: readonly string[] | undefined;
  /** 32 bytes that sign certificates of removal. */
  readonly certificateKey: Uint8Array;
  /**
   * 32 bytes each, derived from the master keys: the first one seals what the ledger keeps of secrets, all of them open
   * it. A function is asked each time, so that a key may be replaced meanwhile. Without, no placement may be `postgres`.
   */
  readonly sealKeys?: SealKeys | (() => SealKeys) | undefined;
  /** Keys of 32 bytes that sign heads of audit chains; without, none is signed. A function is asked each time, as for `sealKeys`. */
  readonly auditKeys?: AuditKeys | (() => AuditKeys) | undefined;
  /** Connections to all tenants' databases together; 50 by default. */
  readonly tenantConnections?: number | undefined;
  /** Added to the platform keys, or one is minted at first start. */
  readonly platformKey: string | undefined;
  readonly namespaceRoots: readonly string[];
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  readonly defaultPlacement: string;
  readonly mounts: readonly MountSpec[];
  /** None by default: then no tenant has a plan. */
  readonly plans?: PlanSettings | undefined;
  /** What mounts may stand on that are made while the server runs; none by default. */
  readonly backends?: Readonly<Record<string, BackendSpec>> | undefined;
  /** How many bytes of relations a process keeps in memory, of all tenants together; 256 MiB by default. */
  readonly graphBytes?: number | undefined;
  /**
   * Where uploads in parts are staged, `<dataDir>/uploads` by default, to be shared by processes that serve the same
   * clients; and how long one waits for its next part, in milliseconds, a day by default.
   */
  readonly uploads?:
    | { readonly root?: string | undefined; readonly expiryMs?: number | undefined }
    | undefined;
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

export interface Engine {
  readonly control: Control;
  /** How all tenants are, for whoever runs the server. */
  readonly health: () => Promise<TenantsHealth>;
  readonly platformKey: PlatformKey;
  readonly close: () => Promise<void>;
}
