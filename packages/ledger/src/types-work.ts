import { FileError, type JobRecord } from "@bulkhead/contract";

/** A process, so that one of the same machine and boot can be found dead. */
export interface LeaseHolder {
  readonly host: string;
  readonly boot: string;
  readonly pid: number;
  readonly startTime: string;
}

export interface Leases {
  /**
   * Takes a lease that nobody holds, whose time is over, or whose holder `isDead`. Undefined if somebody has it, this
   * process included. The fencing number grows with each acquisition.
   */
  readonly acquire: (
    name: string,
    holder: LeaseHolder,
    ttlMs: number,
    isDead?: (holder: LeaseHolder) => boolean | Promise<boolean>,
  ) => Promise<{ readonly fencing: number } | undefined>;
  /** False if it is somebody else's by now: stop at once. */
  readonly renew: (name: string, fencing: number, ttlMs: number) => Promise<boolean>;
  readonly release: (name: string, fencing: number) => Promise<void>;
}

/** A job as its handler gets it. */
export interface RunningJob {
  readonly id: string;
  readonly kind: string;
  /** Undefined for the platform. */
  readonly tenantUid: string | undefined;
  readonly payload: Readonly<Record<string, unknown>>;
  /** As the last attempt left it. */
  readonly progress: Readonly<Record<string, unknown>>;
  /** From 1. */
  readonly attempt: number;
}

export interface JobControl {
  /** Aborts when the runner stops or the job's lease is lost. */
  readonly signal: AbortSignal;
  readonly progress: (progress: Readonly<Record<string, unknown>>) => Promise<void>;
}

/** Thrown by a handler for which another attempt is of no use, and which has undone what it did: the job is dead at once. */
export class JobGivenUp extends FileError {}

/** Does a job at least once; what it resolves with is the job's result. */
export type JobHandler = (job: RunningJob, control: JobControl) => Promise<unknown>;

export interface JobRunnerOptions {
  readonly handlers: Readonly<Record<string, JobHandler>>;
  readonly signal: AbortSignal;
  /** Jobs at a time; 2 by default. */
  readonly concurrency?: number | undefined;
  /** 1,000 by default. */
  readonly pollMs?: number | undefined;
  /** How long a job is a runner's without renewal; 30,000 by default. */
  readonly leaseMs?: number | undefined;
  /** The first wait after a failure; doubled each time, at most 10 minutes. 1,000 by default. */
  readonly backoffMs?: number | undefined;
}

export interface NewJob {
  readonly kind: string;
  readonly tenantUid?: string | undefined;
  readonly payload?: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds from now. */
  readonly delayMs?: number | undefined;
  readonly maxAttempts?: number | undefined;
  /** The idempotency row that is committed with it: asked again, there is one job. */
  readonly idempotency?: string | undefined;
}

export interface Jobs {
  readonly enqueue: (job: NewJob) => Promise<string>;
  /** Puts off a job that nobody has begun, to so many milliseconds from now. False if somebody has. */
  readonly postpone: (id: string, delayMs: number) => Promise<boolean>;
  /** Takes back a job that nobody has begun. False if somebody has. */
  readonly cancel: (id: string) => Promise<boolean>;
  readonly get: (
    id: string,
  ) => Promise<(JobRecord & { readonly tenantUid: string | undefined }) | undefined>;
  /** Runs until the signal aborts; resolves when the last handler has ended. */
  readonly run: (options: JobRunnerOptions) => Promise<void>;
  /** Looks for due jobs without waiting for the next poll. */
  readonly wake: () => void;
}

export interface OutboxEvent {
  readonly id: string;
  readonly tenantUid: string;
  readonly seq: number;
  readonly kind: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly at: number;
  readonly attempts: number;
}

export interface Outbox {
  /** In order for each tenant; none of a tenant while an earlier one is claimed. What is not acknowledged comes again. */
  readonly claim: (limit: number, leaseMs: number) => Promise<readonly OutboxEvent[]>;
  readonly ack: (ids: readonly string[]) => Promise<void>;
}

/** One commit on a tenant's files. */
export interface FileChange {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `file.write`, `file.mkdir`, `file.remove`, `file.copy` or `file.move`; anything else is no change of files. */
  readonly kind: string;
  readonly mount?: string;
  /** Inside the mount; of a copy or move the source, then the target. */
  readonly paths: readonly string[];
  readonly etag?: string;
  /** Where the mount keeps versions and the change made one. */
  readonly version?: string;
}

/** What changed in tenants' files, kept for 90 days. */
export interface FileChanges {
  /**
   * In commit order, after a number (from the oldest by default), with the newest number there is. Rejects with
   * `invalid-request` where changes in between are not kept any more.
   */
  readonly after: (
    tenantUid: string | undefined,
    seq: number | undefined,
    limit: number,
  ) => Promise<{ readonly head: number; readonly items: readonly FileChange[] }>;
  /** The newest number of each. */
  readonly heads: (tenantUids: readonly string[]) => Promise<ReadonlyMap<string, number>>;
}
