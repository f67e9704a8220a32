import { type AnyPath, isFileError, type OpContext, parent, type Store } from "@bulkhead/contract";

export interface MakeDirectoryOptions {
  /** Makes what is missing above as well. */
  readonly parents?: boolean;
  /** A directory that is there already will do; a file will not. */
  readonly existOk?: boolean;
}

/** Makes a directory. Throws what `mkdir` throws and the options do not relax. */
export const makeDirectory = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  path: P,
  options: MakeDirectoryOptions = {},
): Promise<void> => {
  const make = async (): Promise<void> => {
    try {
      await store.mkdir(ctx, path);
    } catch (error) {
      if (options.existOk !== true || !isFileError(error, "already-exists")) throw error;
      if ((await store.stat(ctx, path)).kind === "file") throw error;
    }
  };
  try {
    await make();
  } catch (error) {
    const above = parent(path);
    if (options.parents !== true || above === undefined || !isFileError(error, "not-found"))
      throw error;
    // Another caller may make it in between; that is as good.
    // It is not what was asked for: an `Idempotency-Key` is used up by the last directory alone.
    const settlement = { ...ctx.settlement, idempotency: undefined };
    await makeDirectory(store, { ...ctx, settlement }, above, { parents: true, existOk: true });
    await make();
  }
};
