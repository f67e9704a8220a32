import type { OpContext } from "./context.ts";
import type { BackendPath } from "./path.ts";
import type { Operation } from "./store.ts";

/** A mutation that a crash interrupted after its commit was granted. */
export interface Interrupted {
  readonly operation: Operation;
  readonly paths: readonly BackendPath[];
  readonly staged: string;
}

/** Asked of a storage outside the ledger before its mount opens. */
export interface Recovery {
  /** Finds out whether the effect happened, finishing or discarding what is half done; afterwards it is durable either way. */
  readonly recover: (ctx: OpContext, interrupted: Interrupted) => Promise<"done" | "undone">;
  /**
   * Discards every staged content. Called once, when nothing is in flight, after the last `recover`. With `before`, in
   * milliseconds since the epoch, only what was last added to no later than that: then others may be at work.
   */
  readonly sweep: (ctx: OpContext, before?: number) => Promise<void>;
}
