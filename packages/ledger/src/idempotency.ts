import { type Claim, type Context, FileError, type StoredAnswer } from "@bulkhead/contract";
import { type Database, toJson } from "./database.ts";
import { type Ledger, platformUid } from "./types.ts";

const claim = {
  name: "idempotency_claim_v1",
  text: "select bulkhead.idempotency_claim_v1($1, $2, $3, $4, $5)",
};
const answer = {
  name: "idempotency_answer_v1",
  text: "select bulkhead.idempotency_answer_v1($1, $2, $3, $4)",
};
const release = {
  name: "idempotency_release_v1",
  text: "select bulkhead.idempotency_release_v1($1)",
};

type ClaimRow =
  | { readonly state: "new"; readonly id: string }
  | { readonly state: "committed"; readonly id: string; readonly digest: string | null }
  | {
      readonly state: "answered";
      readonly status: number;
      readonly body: unknown;
      readonly digest: string | null;
    }
  | { readonly state: "in-flight" }
  | { readonly state: "mismatch" };

const scopeOf = (ctx: Context): string => ctx.principal.tenant?.uid ?? platformUid;

/** Keeps `Idempotency-Key`s, scoped to the key's tenant, the key and the route, for 24 hours. A claim in flight lapses after 60 s. */
export const createIdempotency = (hot: Database, background: Database): Ledger["idempotency"] => ({
  claim: async (ctx, route, key, digest): Promise<Claim> => {
    const row = await hot.call<ClaimRow>(claim, [
      scopeOf(ctx),
      ctx.principal.keyId,
      route,
      key,
      digest ?? null,
    ]);
    switch (row.state) {
      case "new":
        return { state: "new", id: row.id };
      case "committed":
        return { state: "committed", id: row.id, digest: row.digest ?? undefined };
      case "answered":
        return {
          state: "answered",
          answer: { status: row.status, body: row.body ?? undefined },
          digest: row.digest ?? undefined,
        };
      case "in-flight":
        throw new FileError(
          "idempotency-in-flight",
          "A request with this Idempotency-Key is being answered; try again.",
          {
            fields: { retryAfter: 1 },
          },
        );
      case "mismatch":
        throw new FileError(
          "idempotency-mismatch",
          "This Idempotency-Key was used for another request; use a new one.",
        );
      default:
        return row satisfies never;
    }
  },
  answer: async (_ctx: Context, id: string, digest: string, stored: StoredAnswer) => {
    await hot.call<null>(answer, [
      id,
      digest,
      stored.status,
      stored.body === undefined ? null : toJson(stored.body),
    ]);
  },
  release: async (_ctx, id) => {
    await hot.call<null>(release, [id]);
  },
  purge: async () => {
    await background.rows("select bulkhead.purge_v1()");
  },
});
