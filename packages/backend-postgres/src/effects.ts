import type { OpContext, Operation } from "@bulkhead/contract";
import { field, numberField, textField } from "./entry.ts";
import type { Volume } from "./volume.ts";

/** A change that was made, as the row of its transaction says. `staged` is what its commit was asked with. */
export interface Effect {
  readonly staged: string;
  readonly operation: Operation;
  /** What the change added to the tree; negative for what it took away. */
  readonly files: number;
  readonly bytes: number;
  readonly etag: string | undefined;
}

/** The effects that the ledger has not yet been told of, or not yet said so. */
export interface Effects {
  /** The oldest ones, at most `limit` (1,000 by default). */
  readonly pending: (ctx: OpContext, limit?: number) => Promise<readonly Effect[]>;
  /** That of one commit; undefined if there was none, or if it is settled. */
  readonly find: (ctx: OpContext, staged: string) => Promise<Effect | undefined>;
  /** Forgets effects that the ledger has applied. Idempotent. */
  readonly settled: (ctx: OpContext, staged: readonly string[]) => Promise<void>;
}

const operations = ["write", "mkdir", "remove", "copy", "move"] as const;

const effectOf = (answer: unknown): Effect[] => {
  const operation = operations.find((one) => one === field(answer, "operation"));
  const staged = textField(answer, "staged");
  if (operation === undefined || staged === undefined) return [];
  return [
    {
      staged,
      operation,
      files: numberField(answer, "files"),
      bytes: numberField(answer, "bytes"),
      etag: textField(answer, "etag"),
    },
  ];
};

export const effects = ({ database }: Volume): Effects => ({
  pending: async (ctx, limit = 1000) => {
    const found = await database.json("effects", [limit], ctx.signal);
    return Array.isArray(found) ? found.flatMap(effectOf) : [];
  },
  find: async (ctx, staged) => effectOf(await database.json("effect", [staged], ctx.signal))[0],
  settled: async (ctx, staged) => {
    if (staged.length > 0) await database.rows("settled", [staged], ctx.signal);
  },
});
