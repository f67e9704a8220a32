import type { Context, Layer, ReadResult, WholeTree } from "@bulkhead/contract";
import { overrideWhole, tapBody } from "@bulkhead/kit";
import { type ReadAudit, readRecord, recordTaken } from "./audited-reads.ts";

/** For whom something is counted, and by whose key it was asked for. */
export interface Metered {
  /** The uid of the tenant whose tree is touched; undefined is the platform. */
  readonly tenant: string | undefined;
  readonly keyId: string;
  /** Milliseconds since the epoch, by the ledger's clock. */
  readonly now: number;
}

/** Counts what leaves no commit. Survives the end of the process; never waits for the ledger. */
export interface Meter {
  /** Counts a read once its first bytes are told, and all its bytes; `end` counts what is not counted yet. */
  readonly reading: (by: Metered) => {
    readonly sent: (bytes: number) => void;
    readonly end: () => void;
  };
  readonly count: (by: Metered, kind: "lookup" | "search") => void;
}

/** The same answer, counted for `by` as it is sent, and recorded by `told` before. */
export const metered = (
  meter: Meter,
  by: Metered,
  result: ReadResult,
  told: () => Promise<void>,
): ReadResult => {
  const { sent, end } = meter.reading(by);
  return {
    stat: result.stat,
    ...(result.range && { range: result.range }),
    content: result.content,
    ...(result.snapshot && { snapshot: result.snapshot }),
    sent,
    told,
    [Symbol.asyncDispose]: () => {
      end();
      return result[Symbol.asyncDispose]();
    },
  };
};

/**
 * Counts for the owner of what is touched: contents as they are sent, and how long what is written was, in the audit
 * entry of its commit. That something was written is told by the commit itself. Where the owner wants to know who reads,
 * that is recorded before a content is told.
 */
export const metering =
  (meter: Meter, audit: ReadAudit): Layer<WholeTree> =>
  (inner) =>
    overrideWhole(inner, {
      read: async (ctx, path, options) => {
        const result = await inner.read(ctx, path, options);
        const { tenant } = ctx.settlement;
        const by = { tenant, keyId: ctx.principal.keyId, now: ctx.now };
        return metered(meter, by, result, readRecord(audit, ctx, readDetail(result)));
      },
      copy: async (ctx, from, to, options) => {
        await recordTaken(audit, ctx, from);
        return inner.copy(ctx, from, to, options);
      },
      move: async (ctx, from, to, options) => {
        await recordTaken(audit, ctx, from);
        return inner.move(ctx, from, to, options);
      },
      write: (ctx, path, body, options) => {
        const note = noting(ctx);
        // An append writes more than was sent; its entry tells by how much the file grew.
        if (note === undefined) return inner.write(ctx, path, body, options);
        if (body.size !== undefined) {
          note(body.size);
          return inner.write(ctx, path, body, options);
        }
        const counted = tapBody(body, () => {
          let size = 0;
          return (chunk) => note((size += chunk.length));
        });
        return inner.write(ctx, path, counted, options);
      },
    });

/** Which content was read, and which part of it. */
export const readDetail = ({
  stat,
  range,
}: Pick<ReadResult, "stat" | "range">): Readonly<Record<string, unknown>> => ({
  size: stat.size,
  ...(stat.version !== undefined && { version: stat.version }),
  ...(range !== undefined && { range: `${range.start}-${range.end}` }),
});

/** Notes in the open audit entry how many bytes are written; undefined where nobody audits, or it is no plain write. */
const noting = ({ settlement }: Context): ((size: number) => void) | undefined => {
  const { audit } = settlement;
  if (audit?.action !== "write") return undefined;
  // Its own from here on: other operations of the request share what the entry began with.
  const detail: Record<string, unknown> = { ...audit.detail };
  audit.detail = detail;
  return (size) => void (detail["size"] = size);
};
