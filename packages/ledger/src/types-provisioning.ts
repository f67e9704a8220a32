import type { VirtualPath } from "@bulkhead/contract";

/** A text that only the holder of a master key can open. */
export interface SealedSecret {
  /** Names the key that it is sealed under. */
  readonly keyId: string;
  readonly sealed: Uint8Array;
}

/** Where a sealed text belongs: both are part of what it is sealed with. */
export interface SecretPlace {
  /** A tenant's uid; undefined for the platform. */
  readonly tenantUid: string | undefined;
  readonly name: string;
}

/** What is kept sealed. The ledger never has a key to it. */
export interface Secrets {
  readonly get: (place: SecretPlace) => Promise<SealedSecret | undefined>;
  /** Keeps one, unless there is one of that name. */
  readonly keep: (secret: SecretPlace & SealedSecret) => Promise<void>;
  /** What is sealed under any other key than this one, at most `limit`. */
  readonly sealedOtherwise: (
    keyId: string,
    limit: number,
  ) => Promise<readonly (SecretPlace & SealedSecret)[]>;
  /** Replaces what is sealed under `before`, unless that has changed since, or is gone; answers how many it was. */
  readonly reseal: (secrets: readonly Resealed[]) => Promise<number>;
}

/** A secret that is to be sealed under another key. */
export interface Resealed extends SecretPlace, SealedSecret {
  /** The id of the key that it is sealed under now. */
  readonly before: string;
}

/** Which master keys a ledger is served with, named by their fingerprints. */
export interface MasterKeys {
  readonly state: () => Promise<{
    readonly current: string;
    /** Good already, and about to be the current one. */
    readonly next: string | undefined;
    /** Still good. */
    readonly previous: string | undefined;
  }>;
  /** From now on `next` is good as well. Idempotent, like the others; `conflict` where the ledger has other keys. */
  readonly announce: (current: string, next: string) => Promise<void>;
  /** From now on `next` is the current key, and what was current the previous one. */
  readonly promote: (current: string, next: string) => Promise<void>;
  /** From now on `previous` is no good any more. */
  readonly retire: (current: string, previous: string) => Promise<void>;
}

/** A database that is to be made for a tenant. */
export interface NewDatabase {
  /** Of the database and of the role that uses it. */
  readonly name: string;
  /** The role's password. */
  readonly password: SealedSecret;
  /** How often the job may be begun, crashes included. */
  readonly maxAttempts: number;
}

/** What the ledger has of a tenant's own database. */
export interface TenantDatabase {
  readonly name: string;
  readonly password: SealedSecret;
  /** True once all of it has been made. */
  readonly ready: boolean;
  /** True while the tenant is to have it: false from its deletion on. */
  readonly wanted: boolean;
  /** The generation of the root that it was made for; a later root lies beside it. */
  readonly generation: number;
}

/** A bucket that was to be made with a tenant, and where it is mounted. */
export interface TenantBucket {
  /** The mount's id. */
  readonly id: string;
  readonly path: VirtualPath;
  /** The name of the mount's template. */
  readonly backend: string;
  readonly bucket: string;
}

/** Tenants whose storage has to be made before they serve. */
export interface Provisioning {
  /** Undefined for a tenant without a database of its own, and for one that is gone. */
  readonly database: (uid: string) => Promise<TenantDatabase | undefined>;
  /** The buckets that were to be made with a tenant; none once it is gone. */
  readonly buckets: (uid: string) => Promise<readonly TenantBucket[]>;
  /** Which of these names are names of buckets that some tenant has. */
  readonly takenBuckets: (names: readonly string[]) => Promise<readonly string[]>;
  /** True while the tenant is to have what is made for it: false from its deletion on. */
  readonly wanted: (uid: string) => Promise<boolean>;
  /** All of it is whole: the tenant serves, `tenant.provisioned` is told. Idempotent; `conflict` if it is not wanted any more. */
  readonly activate: (uid: string) => Promise<void>;
  /** It will not be whole: the tenant is `deleting` from now on. Idempotent; `conflict` once it serves. */
  readonly abandon: (uid: string) => Promise<void>;
}

/** The kind of the job that makes a tenant's database and buckets. */
export const provisionKind = "tenant.provision";
/** The name of the secret that holds the password of a tenant's database. */
export const databasePassword = "database-password";
