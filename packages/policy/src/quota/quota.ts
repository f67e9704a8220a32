import {
  type Body,
  type Context,
  isFileError,
  type Layer,
  type VirtualPath,
  type WholeTree,
} from "@bulkhead/contract";
import { overrideWhole } from "@bulkhead/kit";

/** Room that one body holds while it streams. */
export interface Hold {
  readonly id: string;
  /**
   * Holds as much more as is wanted, or what there is, but no less than `least`; answers how much. Undefined where nothing
   * limits the tenant. Rejects with `quota-exceeded`.
   */
  readonly more: (wanted: number, least: number) => Promise<number | undefined>;
  /** Ends it. What was not used by a commit is given back. */
  readonly end: (used: boolean) => Promise<void>;
}

/** Where room is held. Each hold is a lease, which is renewed until it ends. */
export interface Usage {
  readonly hold: (tenantUid: string) => Hold;
}

/** What is judged in its commit alone: so much is on its way without having been asked for. */
const freeBytes = 1024 * 1024;
const firstWindow = 4 * 1024 * 1024;
const longestWindow = 64 * 1024 * 1024;

/** The size of what a write would replace. */
const sizeAt = async (tree: WholeTree, ctx: Context, path: VirtualPath): Promise<number> => {
  try {
    const { kind, size } = await tree.stat(ctx, path);
    return kind === "file" ? size : 0;
  } catch (error) {
    if (isFileError(error, "not-found") || isFileError(error, "not-directory")) return 0;
    throw error;
  }
};

/**
 * Stops what cannot fit while it streams. Every commit checks for itself that there is room, on every storage; what is
 * long holds its room before: all of it where its length is known, else in windows that grow, so that it ends in the
 * middle rather than fill a disk, and leaves nothing. A small write asks nobody.
 */
export const quota =
  (usage: Usage): Layer<WholeTree> =>
  (inner) =>
    overrideWhole(inner, {
      write: async (ctx, path, body, options) => {
        const { settlement } = ctx;
        const { tenant } = settlement;
        // What an earlier write of the same request held is over.
        settlement.reserved = { bytes: 0, files: 0 };
        if (tenant === undefined || (body.size ?? Infinity) <= freeBytes)
          return inner.write(ctx, path, body, options);
        const hold = usage.hold(tenant);
        let used = false;
        try {
          const holding = heldBody(body, hold, {
            replaced: () => sizeAt(inner, ctx, path),
            held: (bytes) => (settlement.reserved = { bytes, files: 0, id: hold.id }),
          });
          const result = await inner.write(ctx, path, holding, options);
          used = true;
          return result;
        } finally {
          await hold.end(used);
        }
      },
    });

interface HeldBodyOptions {
  readonly replaced: () => Promise<number>;
  /** Told what is held so far. */
  readonly held: (bytes: number) => void;
}

/** The same body, which asks for room before more of it is handed on than there is room for. */
const heldBody = (body: Body, hold: Hold, { replaced, held }: HeldBodyOptions): Body => {
  let window = firstWindow;
  let allowed = freeBytes;
  let granted = 0;
  let before: number | undefined;

  const makeRoom = async (pulled: number): Promise<void> => {
    before ??= await replaced();
    const least = (body.size ?? pulled) - before - granted;
    if (least > 0) {
      const more = await hold.more(
        body.size === undefined ? Math.max(window, least) : least,
        least,
      );
      // Without a limit; one that is set meanwhile is its commit's to check.
      if (more === undefined) granted = Infinity;
      else {
        granted += more;
        held(granted);
      }
      window = Math.min(window * 2, longestWindow);
    }
    allowed = body.size ?? before + granted;
  };

  async function* counted(): AsyncGenerator<Uint8Array> {
    let pulled = 0;
    for await (const chunk of body.open()) {
      pulled += chunk.length;
      if (pulled > allowed) await makeRoom(pulled);
      yield chunk;
    }
  }
  return { size: body.size, replayable: body.replayable, open: counted };
};
