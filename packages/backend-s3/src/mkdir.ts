import { randomUUID } from "node:crypto";
import { type Backend, isRoot, parent } from "@bulkhead/contract";
import { answering } from "./answering.ts";
import { judgeTarget, missing } from "./judge.ts";
import { certainly, conditionOf } from "./land.ts";
import { findTarget, isDirectory } from "./look.ts";
import { encodeMetadata } from "./metadata.ts";
import { checkAborted } from "./pull.ts";
import { stagedId } from "./staged-id.ts";
import { bareEtag, type Store } from "./store.ts";

/**
 * `Backend.mkdir`: an empty object whose key ends in a slash, as the consoles of stores make folders. Directories that a
 * write made have none, and go with the last that lies in them.
 */
export const mkdir =
  (store: Store): Backend["mkdir"] =>
  (asked, path) =>
    answering(asked, (ctx) =>
      store.locks.hold({ exclusive: [path] }, async () => {
        checkAborted(ctx.signal);
        const found = await findTarget(store, path, ctx.signal);
        judgeTarget(isRoot(path) ? { is: "directory" } : found, "create");
        const holder = parent(path);
        if (holder !== undefined && !(await isDirectory(store, holder, ctx.signal)))
          throw missing();
        const write = randomUUID();
        checkAborted(ctx.signal);
        await ctx.commit({ id: stagedId({ kind: "object", write }), size: 0 });
        store.places.makingDirectory(path);
        const key = store.keys.below(path);
        const effect = async (): Promise<string> => {
          const answer = await store.api.putObject(
            {
              Bucket: store.bucket,
              Key: key,
              Body: new Uint8Array(),
              ContentType: "application/x-directory",
              Metadata: encodeMetadata(undefined, write),
              ...conditionOf("create", store.support),
            },
            { abortSignal: ctx.signal },
          );
          return bareEtag(answer.ETag);
        };
        await certainly(store, { ctx, path, key, mode: "create", size: 0, write, effect });
      }),
    );
