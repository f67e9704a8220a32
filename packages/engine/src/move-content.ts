import { type Backend, isFileError, type OpContext } from "@bulkhead/contract";
import { copyBlob } from "@bulkhead/backend-versioned";
import { type ContentCopy, type DigestedBlob, JobGivenUp, type Ledger } from "@bulkhead/ledger";
import { inParallel } from "./in-parallel.ts";
import type { MountTemplates } from "./mount-templates.ts";
import type { RootsTable } from "./roots.ts";

export interface MoveContentOptions {
  readonly moves: Ledger["moves"];
  readonly roots: Pick<RootsTable, "rootsOf">;
  readonly templates: Pick<MountTemplates, "content">;
  readonly ctx: OpContext;
  readonly job: string;
  readonly tenantUid: string;
  /** Told of each batch; false ends the copying. */
  readonly onBatch: (brought: {
    readonly blobs: number;
    readonly bytes: number;
  }) => Promise<boolean>;
}

/** Blobs that are asked for, copied, read again and noted together. */
export const moveBatch = 64;
const width = 8;

/**
 * Copies the blobs that a move's targets lack at this moment; answers how many these were, or undefined where it was
 * told to end. Rejects with `internal` where a blob that something stands on is damaged or missing.
 */
export const moveContent = async (options: MoveContentOptions): Promise<number | undefined> => {
  const { moves, roots, templates, ctx, job, tenantUid } = options;
  let brought = 0;
  for (const copy of await moves.copies({ job })) {
    const source = roots
      .rootsOf(tenantUid)
      .find(
        ({ path, generation }) => path === copy.root.path && generation === copy.root.generation,
      );
    if (copy.state !== "coming" || source === undefined) continue;
    // As of one commit: with what comes meanwhile it might never end.
    const seq = await moves.head(tenantUid);
    const next = () => moves.next(copy.store, seq, moveBatch);
    let blobs = await next();
    if (blobs.length === 0) continue;
    await using from = await held(() => templates.content(source));
    await using to = await held(() => templates.content(copy.root));
    for (; blobs.length > 0; blobs = await next()) {
      ctx.signal.throwIfAborted();
      const bytes = await bring(options, copy, blobs, [from.backend, to.backend]);
      brought += blobs.length;
      if (!(await options.onBatch({ blobs: blobs.length, bytes }))) return undefined;
    }
  }
  return brought;
};

const bring = async (
  { moves, ctx }: MoveContentOptions,
  { store }: ContentCopy,
  blobs: readonly DigestedBlob[],
  [from, to]: readonly [Backend, Backend],
): Promise<number> => {
  const there: string[] = [];
  const gone: string[] = [];
  let bytes = 0;
  const each = async function* (): AsyncGenerator<DigestedBlob> {
    yield* blobs;
  };
  await inParallel(each(), width, async (blob) => {
    try {
      await copyBlob(ctx, from, to, blob);
      there.push(blob.id);
      bytes += blob.size;
    } catch (error) {
      if (!isFileError(error, "not-found")) throw error;
      gone.push(blob.id);
    }
  });
  // Its versions may have been pruned since; one that something stands on is lost.
  const [lost] = gone.length === 0 ? [] : await moves.needed(gone);
  if (lost !== undefined)
    throw new JobGivenUp(
      "internal",
      `The stored content ${lost} is missing. Bring it back from a backup first.`,
      { retry: "never" },
    );
  await moves.copied(store, there, blobs.at(-1)?.id ?? "");
  return bytes;
};

const held = async (
  open: () => Promise<Backend>,
): Promise<AsyncDisposable & { readonly backend: Backend }> => {
  const backend = await open();
  return { backend, [Symbol.asyncDispose]: () => backend.close() };
};
