import type { Mode } from "@bulkhead/contract";

/** What the commit of an upload is told. */
export interface UploadFacts {
  readonly mode: Mode;
  readonly contentType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** `Repr-Digest` as it was sent. */
  readonly digest?: string | undefined;
}

/** Who began an upload, and who alone may go on with it. A tenant is a uid; undefined is the platform. */
export interface UploadOwner {
  readonly tenant: string | undefined;
  readonly keyId: string;
  readonly subject: string;
}

export interface NewUpload {
  /** The uid of the tenant whose room it takes; undefined is the platform. */
  readonly charged: string | undefined;
  readonly store: string;
  /** In the whole tree, as the caller may write it. */
  readonly path: string;
  readonly size: number;
  readonly facts: UploadFacts;
}

export interface UploadRow extends NewUpload {
  readonly id: string;
  /** How many bytes are there; one less than all until it is done. */
  readonly stored: number;
  readonly done: boolean;
  readonly claim: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What its writer notes of an upload. */
export interface UploadProgress {
  readonly stored?: number;
  readonly claim?: string;
  readonly done?: boolean;
  /** 0 lets go of it. */
  readonly leaseMs: number;
  readonly expiryMs: number;
}

export interface Uploads {
  /** Rejects with `quota-exceeded` where the tenant has `most` already. */
  readonly create: (
    by: UploadOwner,
    upload: NewUpload,
    expiryMs: number,
    most: number,
  ) => Promise<UploadRow>;
  readonly get: (by: UploadOwner, id: string) => Promise<UploadRow | undefined>;
  /** For one writer at a time; `busy` where there is one. */
  readonly claim: (
    by: UploadOwner,
    id: string,
    writer: string,
    leaseMs: number,
  ) => Promise<UploadRow | "busy" | undefined>;
  /** False where somebody else is its writer by now. */
  readonly keep: (
    tenant: string | undefined,
    id: string,
    writer: string,
    progress: UploadProgress,
  ) => Promise<boolean>;
  readonly end: (tenant: string | undefined, id: string) => Promise<void>;
  /** Holds so much of the room of a tenant in all; false where nothing limits it. Rejects with `quota-exceeded`. */
  readonly reserve: (
    charged: string,
    id: string,
    total: number,
    expiryMs: number,
  ) => Promise<boolean>;
  readonly committed: (claim: string) => Promise<boolean>;
  /** Ends what has expired; answers how many. */
  readonly lapse: () => Promise<number>;
  /** Which of these still have bytes. */
  readonly known: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
}
