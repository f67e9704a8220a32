import type { Context, TenantStatus } from "./context.ts";
import type { ErrorCode } from "./error.ts";
import type { Operation } from "./store.ts";

/** One question of a decision, in the order in which they are asked. */
export interface ExplainStep {
  readonly step:
    | "path"
    | "rate"
    | "bounds"
    | "share"
    | "tenant"
    | "scopes"
    | "relations"
    | "quota"
    | "mount"
    | "backend";
  readonly outcome: "allowed" | "denied" | "skipped";
  /** One sentence. */
  readonly detail: string;
  /** The chain that grants, the nearest misses, the arithmetic. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface Explanation {
  readonly decision: "allowed" | "denied";
  /** What the request would be refused with. */
  readonly code?: ErrorCode;
  readonly steps: readonly ExplainStep[];
  /** The principal that was judged, as `user:alice@acme`. */
  readonly subject: string;
  readonly tenantStatus?: TenantStatus;
}

export interface ExplainInput {
  readonly operation: Operation;
  readonly path: string;
  /** The other end of a copy or move. */
  readonly to?: string | undefined;
  /** How many bytes a write would have; without, only what is independent of it is judged. */
  readonly size?: number | undefined;
  /** Whose request to explain; by default the caller's own. */
  readonly subject?: string | undefined;
}

export interface Explain {
  readonly explain: (ctx: Context, input: ExplainInput) => Promise<Explanation>;
}
