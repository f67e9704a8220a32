import { randomUUID } from "node:crypto";
import {
  type Backend,
  type BackendPath,
  type Moved,
  type OpContext,
  parent,
} from "@bulkhead/contract";
import { answering } from "./answering.ts";
import { copyBelow, copyFile, findEnds } from "./copy.ts";
import { deleteBelow } from "./delete-objects.ts";
import { takeFolders } from "./folders.ts";
import { judgeEnds } from "./judge.ts";
import { checkAborted } from "./pull.ts";
import { deleteThat } from "./remove.ts";
import { stagedId } from "./staged-id.ts";
import type { Store } from "./store.ts";

/** `Backend.move`: a copy, and then the removal of the source. Both ends are there in between, never neither. */
export const move =
  (store: Store): Backend["move"] =>
  (asked, from, to, { mode = "create", ifMatch } = {}) =>
    answering(asked, async (ctx) => {
      checkAborted(ctx.signal);
      judgeEnds(from, to, mode);
      const moved = await store.locks.hold({ exclusive: [from, to] }, async (): Promise<Moved> => {
        const { source, replaced } = await findEnds(store, from, to, mode, ifMatch, ctx.signal);
        if (source.is === "directory") return moveDirectory(store, ctx, from, to);
        const write = randomUUID();
        checkAborted(ctx.signal);
        await ctx.commit({
          id: stagedId({ kind: "object", write, source: source.etag }),
          size: 0,
          ...(replaced && { etagBefore: replaced.etag }),
        });
        await copyFile(store, ctx, from, to, mode, write, source, replaced);
        store.files.delete(from);
        await deleteThat(store, source.key, source.etag, ctx.signal);
        return replaced === undefined ? {} : { replaced: { size: replaced.size } };
      });
      const holder = parent(from);
      if (holder !== undefined) await takeFolders(store, holder);
      return moved;
    });

const moveDirectory = async (
  store: Store,
  ctx: OpContext,
  from: BackendPath,
  to: BackendPath,
): Promise<Moved> => {
  const write = randomUUID();
  checkAborted(ctx.signal);
  await ctx.commit({ id: stagedId({ kind: "tree", write }), size: 0 });
  await copyBelow(store, ctx, from, to, write);
  await deleteBelow(store, store.keys.below(from), ctx.signal, () => undefined);
  return {};
};
