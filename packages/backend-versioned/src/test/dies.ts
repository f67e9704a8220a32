import { local } from "@bulkhead/backend-local";
import { openSql } from "@bulkhead/harness";
import { overrideBackend, plainContext, streamBody } from "@bulkhead/kit";
import { openLedger, type TreeRef } from "@bulkhead/ledger";
import { collect } from "../collect.ts";
import { versioned } from "../versioned.ts";
import { at, pattern, put, request } from "./opened.ts";

/**
 * Ends here and now, as by the kernel, when each of its tasks stands at its step: a write of `f`, or a collection. Each
 * has a tree and a folder of its own, so that one end is an end at every step.
 */
interface Task {
  readonly tree: TreeRef & { readonly content: string };
  readonly root: string;
  readonly step: string;
}

const [url = "", tasks = "[]"] = process.argv.slice(2);
const all: readonly Task[] = JSON.parse(tasks);
const ledger = await openLedger({ url, masterKeyFingerprint: "one" });
const sql = await openSql(url);

const run = async ({ tree, root, step }: Task, reached: () => void): Promise<void> => {
  /** Stays here for ever, if this is the step. */
  const stop = async (name: string): Promise<void> => {
    if (name !== step) return;
    reached();
    await new Promise(() => undefined);
  };
  const disk = await local({ root });
  const content = overrideBackend(disk, {
    write: async (ctx, path, body, options) => {
      const commit: typeof ctx.commit = async (staged) => {
        await ctx.commit(staged);
        await stop("staged");
      };
      const written = await disk.write({ ...ctx, commit }, path, body, options);
      await stop("durable");
      return written;
    },
    remove: async (ctx, path, options) => {
      await stop("deleting");
      const removed = await disk.remove(ctx, path, options);
      await stop("deleted");
      return removed;
    },
  });
  const { trees } = ledger;
  const through: typeof trees = {
    ...trees,
    openBlob: async (...args) => {
      const opened = await trees.openBlob(...args);
      await stop("registered");
      return opened;
    },
    write: async (...args) => {
      const committing = trees.write(...args);
      if (step === "in doubt") {
        // The statement is under way: it waits for a lock that somebody holds, and goes on without us.
        const waits =
          "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        while ((await sql.run(waits)).length === 0);
        await stop("in doubt");
      }
      const committed = await committing;
      await stop("committed");
      return committed;
    },
    weighBlobs: async (...args) => {
      const weighed = await trees.weighBlobs(...args);
      await stop("weighed");
      return weighed;
    },
    buryBlobs: async (...args) => {
      const buried = await trees.buryBlobs(...args);
      await stop("buried");
      return buried;
    },
    forgetBlobs: async (...args) => {
      await stop("forgetting");
      await trees.forgetBlobs(...args);
      await stop("forgotten");
    },
  };
  const collecting = ["weighed", "buried", "deleting", "deleted", "forgetting", "forgotten"];
  if (collecting.includes(step)) {
    const ctx = plainContext({ now: Date.now() + 1000 });
    await collect(ctx, { store: tree.content, content, ledger: through }, { graceMs: 0 });
    return;
  }
  const backend = versioned({ tree, content, ledger: through });
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const bytes = pattern(150_000, 9);
    yield bytes.subarray(0, 100_000);
    // Asked for only when what came before is stored.
    await stop("streaming");
    yield bytes.subarray(100_000);
  }
  if (step === "small committed") await put(backend, "f", "new").then(() => reached());
  else await backend.write(request(), at("f"), streamBody(pieces()));
};

await Promise.all(
  all.map(
    (task) =>
      new Promise<void>((resolve, reject) => {
        run(task, resolve).then(() => undefined, reject);
      }),
  ),
);
process.kill(process.pid, "SIGKILL");
