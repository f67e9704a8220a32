import {
  type Backend,
  type BackendPath,
  FileError,
  type Layer,
  type OpContext,
  type Operation,
  type Recovery,
  type Settlement,
} from "@bulkhead/contract";
import { overrideBackend, plainContext } from "@bulkhead/kit";
import type { Afterwork } from "./afterwork.ts";
import { counting } from "./counting.ts";
import { areAbsolute, changedBy, factsOf, outcomeOf, type Result } from "./facts.ts";
import { look } from "./look.ts";
import { moving as movingTable } from "./moving.ts";
import type { Accounted, Charge, Fact, Intents, LateIntent, Outcome } from "./ports.ts";
import { type Turn, turns } from "./turns.ts";

export interface SettleOptions {
  readonly intents: Intents;
  readonly afterwork: Afterwork;
  readonly mount: string;
  /** The uid of the tenant on whose ground the mount lies at that moment: a mount may be there before its tenant, and after. */
  readonly tenant: () => string | undefined;
  readonly fencing: number | undefined;
  /** Asked when an effect fails half-way; a storage that has none does nothing by halves. */
  readonly recovery: Recovery | undefined;
  /**
   * Charges file by file what is stored, or, `reported`, by what the storage says that an effect added; without it the
   * counters stay as they are.
   */
  readonly charging?: Charging | "reported" | undefined;
  /** What an effect that was found done had changed; nothing is told of it without. */
  readonly outcome?: (ctx: OpContext, staged: string) => Promise<Outcome | undefined>;
  /** Told of each effect that was settled. */
  readonly settled?: (staged: string) => void;
}

/** How what is stored is charged. */
export interface Charging {
  readonly accounted: Accounted;
  /** True for a storage that forgot what it held before it was opened. */
  readonly forgets: boolean;
}

/** A body up to this long is staged before anything is written of it: it is no loss where it is refused then. */
const lateBytes = 65_536;

/** How often a commit is decided again before the caller is told to come back. */
const decisions = 5;

/** How long a look at the storage may take that no caller waits for. */
const lookMs = 600_000;

/** How long a change waits for the settling of one before it on the same paths. */
const patienceMs = 5000;

/** Whose ground a change is on, and how it stands in the ledger. */
interface Begun {
  readonly id: string;
  readonly operation: Operation;
  readonly paths: readonly BackendPath[];
  readonly tenant: string | undefined;
  readonly turn: Turn;
  /** Until it is granted, where it is written only then. */
  late: LateIntent | undefined;
  /** What the storage was granted its last commit for. */
  staged: string | undefined;
  /** Lets requests to the paths again. */
  lift: () => void;
}

/**
 * Makes storage outside the ledger exact: a row before the effect, a step to `committing` under the tenants' fences
 * before anything becomes visible, and its settling afterwards, in the order of the effects. An effect without a row
 * cannot exist, and what is stored is charged to its tenant.
 */
export const settle = (options: SettleOptions): Layer<Backend> => {
  const { intents, afterwork, mount, fencing, recovery } = options;
  const charging = typeof options.charging === "object" ? options.charging : undefined;

  return (inner) => {
    const order = turns();
    const moving = movingTable();
    const counts = charging && counting({ ...charging, mount, backend: inner });
    let closed = false;
    // At once where it is known whose ground it is; else with the first change.
    if (options.tenant() !== undefined) counts?.counted(options.tenant()).catch(() => undefined);

    const chargeOf = async (begun: Begun, known: readonly Fact[] | undefined): Promise<Charge> => {
      const { operation, tenant, turn } = begun;
      const alone = operation === "move" || operation === "remove" || operation === "copy";
      if (known !== undefined && (!turn.met() || areAbsolute(known)))
        return { facts: known, alone: alone && known.some(({ is }) => is !== "file") };
      return { facts: await looks(begun.paths, operation, tenant), alone };
    };

    const looks = async (
      paths: readonly BackendPath[],
      operation: Operation,
      tenant: string | undefined,
    ): Promise<readonly Fact[]> => {
      if (charging === undefined) return [];
      const charged = { accounted: charging.accounted, mount, backend: inner };
      const facts: Fact[] = [];
      for (const path of changedBy(operation, paths))
        facts.push(await look(charged, tenant, ownContext(lookMs), path));
      return facts;
    };

    /** Charges and closes what has happened, after all that happened before on the same paths. */
    const close = async (
      begun: Begun,
      outcome: Outcome,
      known: readonly Fact[] | undefined,
    ): Promise<void> => {
      const { id, operation, paths, tenant, turn } = begun;
      await turn.first(lookMs);
      if (options.charging === undefined) await intents.settle(id, outcome);
      else {
        const charge =
          options.charging === "reported" ? added(outcome, begun) : await chargeOf(begun, known);
        const as = await intents.settle(id, outcome, charge);
        if (as === "look")
          await intents.settle(id, outcome, {
            facts: await looks(paths, operation, tenant),
            alone: true,
          });
      }
      if (begun.staged !== undefined) options.settled?.(begun.staged);
      end(begun);
    };

    const added = ({ bytes = 0, files = 0 }: Outcome, { operation }: Begun): Charge => ({
      facts: [{ is: "added", bytes, files }],
      alone: operation === "move" || operation === "remove",
    });

    const end = ({ turn, lift }: Begun): void => {
      turn.leave();
      lift();
    };

    /** The effect failed after its commit was granted: the storage says which side it ended on. */
    const resolve = async (ctx: OpContext, begun: Begun, staged: string): Promise<void> => {
      // Whoever opens the storage next finds it out first.
      if (closed) return end(begun);
      const { operation, paths, id } = begun;
      // The caller may be gone, and what happened has to be found out all the same.
      const own = { ...ctx, signal: AbortSignal.timeout(30_000) };
      const side =
        recovery === undefined
          ? "undone"
          : await recovery.recover(own, { operation, paths, staged });
      if (side === "done")
        return close(begun, (await options.outcome?.(own, staged)) ?? {}, undefined);
      afterwork.discard(id);
      end(begun);
    };

    const commitOf =
      (ctx: OpContext, begun: Begun, settlement: () => Settlement): OpContext["commit"] =>
      async (content) => {
        begun.turn.enter();
        try {
          await begun.turn.first(patienceMs);
          for (let i = 0; i < decisions; i++) {
            moving.check(...begun.paths);
            const answer = await (begun.late === undefined
              ? intents.commit(settlement(), begun.id, content)
              : begun.late.grant(settlement(), content));
            if (answer !== "moved") {
              begun.staged = content.id;
              begun.late = undefined;
              begun.lift();
              if (answer === "moving") begun.lift = moving.keep(begun.paths);
              return;
            }
            await ctx.commit(content);
          }
        } catch (error) {
          begun.turn.leave();
          throw error;
        }
        begun.turn.leave();
        throw new FileError(
          "conflict",
          "Access rules are changing faster than this write can commit; try again.",
        );
      };

    const run = async <R extends Result>(
      ctx: OpContext,
      operation: Operation,
      paths: readonly BackendPath[],
      size: number | undefined,
      effect: (ctx: OpContext) => Promise<R>,
    ): Promise<R> => {
      // Read at each step: a decision made again replaces the revisions of the caller's draft.
      const tenant = options.tenant();
      const settlement = (): Settlement => ({ ...ctx.settlement, tenant });
      moving.check(...paths);
      await counts?.counted(tenant);
      const intent = { mount, fencing, operation, paths, size };
      // Only where the commit says all of what it adds: what reports its effects reserves by them.
      const late =
        charging !== undefined && size !== undefined && size <= lateBytes
          ? intents.late(settlement(), intent)
          : undefined;
      const id = late?.id ?? (await intents.begin(settlement(), intent));
      const begun: Begun = {
        id,
        operation,
        paths,
        tenant,
        // What reports its effects finds each of them again, whatever came after.
        turn: order.begin(options.charging === "reported" ? [] : paths),
        late,
        staged: undefined,
        lift: () => undefined,
      };
      const stop = late === undefined ? afterwork.streaming(id) : undefined;
      let result: R;
      try {
        result = await effect({ ...ctx, commit: commitOf(ctx, begun, settlement) });
      } catch (error) {
        const { staged } = begun;
        if (staged === undefined) {
          afterwork.discard(id);
          end(begun);
        }
        // A storage that cannot say now is asked again; why it failed is the answer all the same.
        else await afterwork.finish(id, () => resolve(ctx, begun, staged)).catch(() => undefined);
        throw error;
      } finally {
        stop?.();
      }
      await afterwork.finish(id, () =>
        close(begun, outcomeOf(operation, result), factsOf(operation, paths, result)),
      );
      return result;
    };

    const asking = async <R>(paths: readonly BackendPath[], next: () => Promise<R>): Promise<R> => {
      moving.check(...paths);
      const result = await next();
      // What was moved while it was asked for is nobody's until its relations have followed.
      moving.check(...paths);
      return result;
    };

    return overrideBackend(inner, {
      close: async () => {
        closed = true;
        counts?.stop();
        await inner.close();
      },
      stat: (ctx, path) => asking([path], () => inner.stat(ctx, path)),
      list: (ctx, path, list) => asking([path], () => inner.list(ctx, path, list)),
      read: async (ctx, path, read) => {
        moving.check(path);
        const result = await inner.read(ctx, path, read);
        try {
          moving.check(path);
        } catch (error) {
          await result[Symbol.asyncDispose]();
          throw error;
        }
        return result;
      },
      write: (ctx, path, body, write) =>
        run(ctx, "write", [path], body.size, (c) => inner.write(c, path, body, write)),
      mkdir: (ctx, path) => run(ctx, "mkdir", [path], undefined, (c) => inner.mkdir(c, path)),
      remove: (ctx, path, remove) =>
        run(ctx, "remove", [path], undefined, (c) => inner.remove(c, path, remove)),
      copy: (ctx, from, to, copy) =>
        run(ctx, "copy", [from, to], undefined, (c) => inner.copy(c, from, to, copy)),
      move: (ctx, from, to, move) =>
        run(ctx, "move", [from, to], undefined, (c) => inner.move(c, from, to, move)),
    });
  };
};

/** A context of the server's own, which nobody gives up. */
const ownContext = (ms: number): OpContext =>
  plainContext({ requestId: "settle", signal: AbortSignal.timeout(ms) });
