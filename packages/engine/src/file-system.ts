import {
  type Accepted,
  type AnyPath,
  type Body,
  type ByteRange,
  type Context,
  FileError,
  isFileError,
  type Mode,
  type Removed,
  type Stat,
  type Store,
  type WriteResult,
} from "@bulkhead/contract";
import {
  append,
  bytesBody,
  chunksOf,
  collect,
  glob,
  makeDirectory,
  pageLimit,
  streamBody,
  textBody,
  walk,
} from "@bulkhead/kit";

interface Cancel {
  readonly signal?: AbortSignal;
}

/** What a file is written from. */
export type Data = string | Uint8Array | AsyncIterable<Uint8Array>;

/** A tree with plain strings for paths, under the names of `node:fs/promises` where they fit. Rejects with `FileError`. */
export interface FileSystem {
  readonly readFile: {
    (path: string, options?: Cancel & { readonly range?: ByteRange }): Promise<Uint8Array>;
    (
      path: string,
      options: Cancel & { readonly range?: ByteRange; readonly encoding: "utf8" },
    ): Promise<string>;
  };
  /** The content in chunks; stop iterating to let go of it. */
  readonly readStream: (
    path: string,
    options?: Cancel & { readonly range?: ByteRange },
  ) => AsyncIterable<Uint8Array>;
  readonly writeFile: (
    path: string,
    data: Data,
    options?: Cancel & { readonly mode?: Mode; readonly contentType?: string },
  ) => Promise<WriteResult>;
  readonly appendFile: (path: string, data: Data, options?: Cancel) => Promise<WriteResult>;
  readonly stat: (path: string, options?: Cancel) => Promise<Stat>;
  readonly exists: (path: string, options?: Cancel) => Promise<boolean>;
  /** All entries of a directory, in UTF-8 byte order. */
  readonly readdir: (path: string, options?: Cancel) => Promise<readonly Stat[]>;
  /** Everything below a directory, depth first, with the names that lead to it. */
  readonly walk: (
    path: string,
    options?: Cancel,
  ) => AsyncIterable<Stat & { readonly path: readonly string[] }>;
  readonly glob: (
    pattern: string,
    options?: Cancel & { readonly cwd?: string },
  ) => AsyncIterable<Stat & { readonly path: readonly string[] }>;
  readonly mkdir: (
    path: string,
    options?: Cancel & { readonly recursive?: boolean },
  ) => Promise<void>;
  readonly rm: (
    path: string,
    options?: Cancel & { readonly recursive?: boolean; readonly force?: boolean },
  ) => Promise<Removed>;
  readonly rename: (
    from: string,
    to: string,
    options?: Cancel & { readonly mode?: Mode },
  ) => Promise<void>;
  readonly cp: (
    from: string,
    to: string,
    options?: Cancel & { readonly mode?: Mode },
  ) => Promise<WriteResult | Removed>;
  readonly close: () => Promise<void>;
}

const bodyOf = (data: Data): Body =>
  typeof data === "string"
    ? textBody(data)
    : data instanceof Uint8Array
      ? bytesBody(data)
      : streamBody(data);

const now = <R extends object>(result: R | Accepted): R => {
  if ("job" in result) throw new FileError("internal", "In process no operation becomes a job.");
  return result;
};

/** Gives a store the names and the plain paths of `FileSystem`. */
export const fileSystem = <P extends AnyPath>(
  store: Store<P, Context>,
  parse: (path: string) => P,
  context: (signal: AbortSignal | undefined) => Context,
  close: () => Promise<void>,
): FileSystem => {
  const ctx = (options: Cancel | undefined): Context => context(options?.signal);

  async function* readStream(
    path: string,
    options: Cancel & { readonly range?: ByteRange } = {},
  ): AsyncGenerator<Uint8Array> {
    await using result = await store.read(
      ctx(options),
      parse(path),
      options.range && { range: options.range },
    );
    yield* chunksOf(result.content);
  }

  async function readFile(
    path: string,
    options?: Cancel & { readonly range?: ByteRange },
  ): Promise<Uint8Array>;
  async function readFile(
    path: string,
    options: Cancel & { readonly range?: ByteRange; readonly encoding: "utf8" },
  ): Promise<string>;
  async function readFile(
    path: string,
    options: Cancel & { readonly range?: ByteRange; readonly encoding?: "utf8" } = {},
  ): Promise<Uint8Array | string> {
    const bytes = await collect(readStream(path, options));
    return options.encoding === undefined ? bytes : new TextDecoder().decode(bytes);
  }

  return {
    readFile,
    readStream,
    writeFile: async (path, data, { signal, ...options } = {}) =>
      store.write(context(signal), parse(path), bodyOf(data), options),
    appendFile: async (path, data, options) =>
      append(store, ctx(options), parse(path), bodyOf(data)),
    stat: async (path, options) => store.stat(ctx(options), parse(path)),
    exists: async (path, options) => {
      try {
        await store.stat(ctx(options), parse(path));
        return true;
      } catch (error) {
        if (isFileError(error, "not-found")) return false;
        throw error;
      }
    },
    readdir: async (path, options) => {
      const entries: Stat[] = [];
      let after: string | undefined;
      do {
        const page = await store.list(ctx(options), parse(path), {
          limit: pageLimit,
          ...(after !== undefined && { after }),
        });
        entries.push(...page.entries);
        after = page.next;
      } while (after !== undefined);
      return entries;
    },
    walk: (path, options) => walk(store, ctx(options), parse(path)),
    glob: (pattern, options) => glob(store, ctx(options), parse(options?.cwd ?? "/"), pattern),
    mkdir: async (path, options) =>
      makeDirectory(store, ctx(options), parse(path), {
        parents: options?.recursive === true,
        existOk: options?.recursive === true,
      }),
    rm: async (path, options) => {
      try {
        return now(
          await store.remove(ctx(options), parse(path), { recursive: options?.recursive === true }),
        );
      } catch (error) {
        if (options?.force === true && isFileError(error, "not-found"))
          return { files: 0, bytes: 0 };
        throw error;
      }
    },
    rename: async (from, to, { signal, ...options } = {}) => {
      now(await store.move(context(signal), parse(from), parse(to), options));
    },
    cp: async (from, to, { signal, ...options } = {}) =>
      now(await store.copy(context(signal), parse(from), parse(to), options)),
    close,
  };
};
