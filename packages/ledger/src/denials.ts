import { type AuditDraft, isFileError } from "@bulkhead/contract";
import { type Database, toJson } from "./database.ts";
import { type DenialSink, type Log, platformUid, type RefusalKind } from "./types.ts";

const singly = 20;
const minute = 60_000;
/** What may wait for a ledger that is away; beyond it refusals are counted only. */
const mostWaiting = 10_000;
const batchSize = 200;

interface Entry {
  readonly tenant: string;
  readonly draft: AuditDraft;
  readonly result: string;
}

interface Window {
  readonly began: number;
  readonly tenant: string;
  readonly reason: string;
  draft: AuditDraft;
  singles: number;
  more: number;
}

const denials = { name: "denials_v1", text: "select bulkhead.denials_v1($1)" };

/**
 * Records refusals without making anybody wait: the first 20 a minute of a key and reason singly, the rest as one entry
 * that says how many more. `flush` is to be called each second. `clock` is in milliseconds and only paces.
 */
export const createDenials = (
  hot: Database,
  background: Database,
  log: Log,
  clock: () => number = Date.now,
): DenialSink => {
  let waiting: Entry[] = [];
  const windows = new Map<string, Window>();
  const refusals = new Map<
    string,
    { readonly address: string; readonly hour: number; readonly kind: RefusalKind; count: number }
  >();
  let flushing: Promise<void> | undefined;

  const surplus = (window: Window): void => {
    if (window.more === 0) return;
    waiting.push({
      tenant: window.tenant,
      draft: {
        ...window.draft,
        detail: { ...window.draft.detail, more: window.more, summary: `${window.more} more` },
      },
      result: `DENIED: ${window.reason}`,
    });
    window.more = 0;
  };

  const writeDenials = async (): Promise<void> => {
    for (const [name, window] of windows) {
      surplus(window);
      if (clock() - window.began >= minute) windows.delete(name);
    }
    for (let size = batchSize; waiting.length > 0;) {
      const batch = waiting.slice(0, size);
      try {
        await hot.call<null>(denials, [toJson(batch)]);
        size = batchSize;
      } catch (error) {
        // Only what an absent ledger refused can succeed later. Anything else is found by writing singly, and dropped.
        if (isFileError(error, "unavailable")) throw error;
        if (batch.length > 1) {
          size = 1;
          continue;
        }
        log({ message: "A refusal could not be recorded.", error });
      }
      waiting = waiting.slice(batch.length);
    }
  };

  const writeRefusals = async (): Promise<void> => {
    const batch = [...refusals.values()];
    if (batch.length === 0) return;
    refusals.clear();
    try {
      await background.rows(
        `insert into bulkhead.refusal (address, hour, kind, count)
         select r.address, to_timestamp(r.hour), r.kind, r.count
         from unnest($1::text[], $2::double precision[], $3::text[], $4::bigint[]) as r (address, hour, kind, count)
         order by 1, 2, 3
         on conflict (address, hour, kind) do update set count = bulkhead.refusal.count + excluded.count`,
        [
          batch.map((one) => one.address),
          batch.map((one) => one.hour),
          batch.map((one) => one.kind),
          batch.map((one) => one.count),
        ],
      );
    } catch (error) {
      for (const one of batch) count(one.address, one.hour, one.kind, one.count);
      throw error;
    }
  };

  const count = (address: string, hour: number, kind: RefusalKind, by: number): void => {
    const name = `${kind} ${hour} ${address}`;
    const known = refusals.get(name);
    if (known !== undefined) known.count += by;
    // A flood from ever new addresses is one line.
    else if (refusals.size < mostWaiting) refusals.set(name, { address, hour, kind, count: by });
    else if (address !== "*") count("*", hour, kind, by);
    else refusals.set(name, { address, hour, kind, count: by });
  };

  const flush = async (): Promise<void> => {
    for (const write of [writeDenials, writeRefusals]) {
      try {
        await write();
      } catch (error) {
        log({ message: "Refusals wait for the control plane.", error });
      }
    }
  };

  return {
    denied: (tenant, draft, reason) => {
      const uid = tenant === undefined || tenant === "platform" ? platformUid : tenant;
      const name = JSON.stringify([uid, draft.key, reason]);
      let window = windows.get(name);
      if (window === undefined || clock() - window.began >= minute) {
        if (window !== undefined) surplus(window);
        window = { began: clock(), tenant: uid, reason, draft, singles: 0, more: 0 };
        windows.set(name, window);
      }
      if (window.singles < singly && waiting.length < mostWaiting) {
        window.singles += 1;
        waiting.push({ tenant: uid, draft: structuredClone(draft), result: `DENIED: ${reason}` });
      } else {
        window.draft = draft;
        window.more += 1;
      }
    },
    refused: (address, kind) =>
      count(
        address.toWellFormed().replaceAll("\u0000", "\uFFFD").slice(0, 100),
        Math.floor(clock() / 3_600_000) * 3600,
        kind,
        1,
      ),
    flush: async () => {
      // One at a time, and a caller's flush writes what came before the call.
      while (flushing !== undefined) await flushing;
      flushing = flush();
      try {
        await flushing;
      } finally {
        flushing = undefined;
      }
    },
  };
};
