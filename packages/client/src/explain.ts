import type { Operation } from "@bulkhead/contract";
import { type WireExplanation, wireExplanation } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { asked } from "./post.ts";
import { checkedPath } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface ExplainOptions extends CallOptions {
  /** The other end of a copy or move. */
  readonly to?: string | undefined;
  /** How many bytes a write would have. */
  readonly size?: number | undefined;
  /** Whose request to explain, as `user:alice`; the key's own by default. */
  readonly subject?: string | undefined;
}

/** Tells what an operation would be answered, and why: every question in the order in which it is asked. */
export type Explain = (
  operation: Operation,
  path: string,
  options?: ExplainOptions,
) => Promise<WireExplanation>;

export const createExplain =
  (transport: Transport): Explain =>
  async (operation, path, { to, subject, size, signal } = {}) => {
    const json = {
      operation,
      path: checkedPath(path),
      to: to === undefined ? undefined : checkedPath(to),
      subject,
      size,
    };
    return asked(transport, "/v1/explain", json, { signal }, wireExplanation);
  };
