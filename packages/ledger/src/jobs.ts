import { FileError, type JobRecord } from "@bulkhead/contract";
import { type Database, toJson } from "./database.ts";
import { isUuid } from "./is-uuid.ts";
import { type Log, platformUid } from "./types.ts";
import { JobGivenUp, type Jobs, type JobRunnerOptions, type RunningJob } from "./types-work.ts";

const claim = { name: "job_claim_v1", text: "select bulkhead.job_claim_v1($1, $2, $3)" };

interface ClaimedJob {
  readonly id: string;
  readonly kind: string;
  readonly tenant: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly progress: Readonly<Record<string, unknown>>;
  readonly attempts: number;
  readonly claim: string;
}

const uidOf = (tenant: string): string | undefined => (tenant === platformUid ? undefined : tenant);

/** What went wrong, for the job's record. What was not written to be read by callers stays in the log. */
const messageOf = (error: unknown): string =>
  error instanceof FileError
    ? `${error.code}: ${error.detail}`.slice(0, 2000)
    : "The job failed inside; the server's log says why.";

/** Keeps jobs and runs them at least once. */
export const createJobs = (database: Database, log: Log): Jobs => {
  const sleepers = new Set<() => void>();

  const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        sleepers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      sleepers.add(wake);
      signal.addEventListener("abort", wake);
      if (signal.aborted) wake();
    });

  const wake = (): void => {
    for (const one of sleepers) one();
  };

  const run = async (options: JobRunnerOptions): Promise<void> => {
    const {
      handlers,
      signal,
      concurrency = 2,
      pollMs = 1000,
      leaseMs = 30_000,
      backoffMs = 1000,
    } = options;
    const running = new Set<Promise<void>>();

    const perform = async (job: ClaimedJob): Promise<void> => {
      const lost = new AbortController();
      // One controller rather than AbortSignal.any, whose signal can be collected while only a listener holds it.
      const stop = (): void => lost.abort();
      signal.addEventListener("abort", stop);
      if (signal.aborted) stop();
      // Every statement names the claim: a runner that lost its job writes nothing of it any more.
      const mine = async (set: string, values: readonly unknown[]): Promise<boolean> =>
        (
          await database.rows(
            `update bulkhead.job set updated_at = bulkhead.now(), ${set} where id = $1 and claim = $2 returning id`,
            [job.id, job.claim, ...values],
          )
        ).length > 0;
      const heart = setInterval(() => {
        void mine("lease = bulkhead.now() + $3::double precision * interval '1 millisecond'", [
          leaseMs,
        ]).then(
          (alive) => {
            if (!alive) lost.abort();
          },
          // Unreachable for longer than the lease, it is somebody else's; the claim then says so.
          () => undefined,
        );
      }, leaseMs / 3);
      try {
        // Claimed while the runner stopped: a handler that only listened to its signal would never hear of it.
        lost.signal.throwIfAborted();
        const handler = handlers[job.kind];
        if (handler === undefined) throw new Error(`No handler for ${job.kind}.`);
        const given: RunningJob = {
          id: job.id,
          kind: job.kind,
          tenantUid: uidOf(job.tenant),
          payload: job.payload,
          progress: job.progress,
          attempt: job.attempts,
        };
        const result = await handler(given, {
          signal: lost.signal,
          progress: async (progress) => {
            if (!(await mine("progress = $3", [toJson(progress)]))) lost.abort();
          },
        });
        await mine("state = 'done', result = $3, error = null, claim = null, lease = null", [
          toJson(result ?? null),
        ]);
      } catch (error) {
        if (signal.aborted)
          // Stopped, not failed: the next runner takes it at once, and the attempt does not count.
          await mine(
            "state = 'queued', attempts = attempts - 1, run_at = bulkhead.now(), claim = null, lease = null",
            [],
          );
        else {
          log({ message: `A job of kind '${job.kind}' failed.`, error });
          // By chance, or who looked first would always look first, also for what only another process can do.
          const last = error instanceof JobGivenUp ? "true" : "attempts >= max_attempts";
          await mine(
            `state = case when ${last} then 'dead' else 'queued' end, error = $3, claim = null, lease = null,
             run_at = bulkhead.now() + least($4::double precision * power(2, attempts - 1), 600000)
               * (0.5 + random()) * interval '1 millisecond'`,
            [messageOf(error), backoffMs],
          );
        }
      } finally {
        clearInterval(heart);
        signal.removeEventListener("abort", stop);
      }
    };

    while (!signal.aborted) {
      let claimed: readonly ClaimedJob[] = [];
      try {
        const free = concurrency - running.size;
        if (free > 0)
          claimed = await database.call<readonly ClaimedJob[]>(claim, [
            Object.keys(handlers),
            free,
            leaseMs,
          ]);
      } catch (error) {
        log({ message: "Jobs wait for the control plane.", error });
      }
      for (const job of claimed) {
        const one = perform(job)
          .catch((error: unknown) =>
            log({ message: `Job ${job.id} could not be closed; its lease lapses.`, error }),
          )
          .finally(() => {
            running.delete(one);
            wake();
          });
        running.add(one);
      }
      if (claimed.length === 0 || running.size >= concurrency) await sleep(pollMs, signal);
    }
    await Promise.all(running);
  };

  return {
    run,
    wake,
    enqueue: async (job) => {
      const id = await database.transaction(async (tx) => {
        const [row] = await tx.rows<{ id: string }>(
          "select bulkhead.job_enqueue_v1($1, $2, $3, bulkhead.now() + $4::double precision * interval '1 millisecond', $5) as id",
          [
            job.kind,
            job.tenantUid ?? platformUid,
            toJson(job.payload ?? {}),
            job.delayMs ?? 0,
            job.maxAttempts ?? 8,
          ],
        );
        if (row !== undefined && job.idempotency !== undefined)
          await tx.rows("select bulkhead.idempotency_commit_v1($1, $2)", [
            job.idempotency,
            toJson({ job: row.id }),
          ]);
        return row?.id ?? "";
      });
      wake();
      return id;
    },
    postpone: async (id, delayMs) =>
      (
        await database.rows(
          `update bulkhead.job set run_at = bulkhead.now() + $2::double precision * interval '1 millisecond'
           where id = $1 and state = 'queued' and attempts = 0 returning id`,
          [id, delayMs],
        )
      ).length > 0,
    cancel: async (id) =>
      (
        await database.rows(
          "delete from bulkhead.job where id = $1 and state = 'queued' and attempts = 0 returning id",
          [id],
        )
      ).length > 0,
    get: async (id) => {
      if (!isUuid(id)) return undefined;
      const [row] = await database.rows<{ record: JobRecord; tenant: string }>(
        "select bulkhead.job_json_v1(j) as record, j.tenant from bulkhead.job j where id = $1",
        [id],
      );
      return row === undefined ? undefined : { ...row.record, tenantUid: uidOf(row.tenant) };
    },
  };
};
