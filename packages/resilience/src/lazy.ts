import {
  type Backend,
  type Capability,
  FileError,
  isFileError,
  type OpContext,
  type Versions,
} from "@bulkhead/contract";
import { checkDeclared, pastOf } from "@bulkhead/kit";

export interface LazyOptions {
  readonly scheme: string;
  /**
   * Opens the storage with all its layers. Called again after a failure, but not sooner than `retryMs`, and after
   * `lost` was called: the storage is no longer this process's to use.
   */
  readonly open: (lost: () => void) => Promise<Backend>;
  readonly retryMs?: number;
  /** Closes after so long without a call. Undefined: stays open. */
  readonly idleMs?: number;
}

/** What is claimed of a storage until it is open: everything, since its own capability is checked once it is. */
const unknown: Capability = {
  conditionalWrite: true,
  atomicMove: true,
  directories: true,
  versions: true,
  exactReplace: true,
  contentEtag: false,
  orderedList: true,
  contentType: true,
  metadata: true,
  durable: true,
  maxFileSize: undefined,
  maxPathBytes: 1024,
};

/**
 * A backend that opens on first use. One that cannot be opened keeps its place and answers `unavailable`: routing never
 * falls through to another storage.
 */
export const lazy = ({ scheme, open, retryMs = 1000, idleMs }: LazyOptions): Backend & Versions => {
  let opening: Promise<Backend> | undefined;
  let opened: Backend | undefined;
  let failedAt = -Infinity;
  let failure: unknown;
  let busy = 0;
  let idle: NodeJS.Timeout | undefined;
  /** The last closing for want of calls. */
  let resting: Promise<void> | undefined;
  let closed = false;

  const unavailable = (cause: unknown): FileError =>
    isFileError(cause, "unavailable")
      ? cause
      : new FileError("unavailable", "The storage of this part of the tree cannot be opened now.", {
          fields: { retryAfter: 1 },
          cause,
        });

  const backend = (): Promise<Backend> => {
    if (closed) return Promise.reject(unavailable(undefined));
    if (opening === undefined && performance.now() - failedAt < retryMs)
      return Promise.reject(unavailable(failure));
    opening ??= begin();
    return opening;
  };

  const begin = (): Promise<Backend> => {
    const start = async (): Promise<Backend> => {
      // What was idle lets go of its storage first, or this process would find it held by itself.
      await resting;
      return open(() => {
        // A loss that is noticed late is of a storage that was closed, not of the one that is open now.
        if (opening === attempt) void shut().catch(() => undefined);
      });
    };
    const attempt: Promise<Backend> = start().then(
      (inner) => {
        if (opening === attempt) opened = inner;
        return inner;
      },
      (error: unknown) => {
        if (opening !== attempt) throw unavailable(error);
        opening = undefined;
        failedAt = performance.now();
        failure = error;
        throw unavailable(error);
      },
    );
    return attempt;
  };

  const shut = async (): Promise<void> => {
    const inner = opened;
    opening = undefined;
    opened = undefined;
    await inner?.close();
  };

  const release = (): void => {
    busy -= 1;
    if (busy > 0 || idleMs === undefined || closed) return;
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (busy === 0) resting = shut().catch(() => undefined);
    }, idleMs).unref();
  };

  const using = async <R>(run: (inner: Backend) => Promise<R>): Promise<R> => {
    busy += 1;
    try {
      return await run(await backend());
    } finally {
      release();
    }
  };

  return {
    scheme,
    get capability() {
      return opened?.capability ?? unknown;
    },
    region: () => using((inner) => inner.region()),
    probe: (ctx: OpContext) => using((inner) => inner.probe(ctx)),
    close: async () => {
      closed = true;
      clearTimeout(idle);
      await opening?.catch(() => undefined);
      await resting;
      await shut();
    },
    stat: (ctx, path) => using((inner) => inner.stat(ctx, path)),
    list: (ctx, path, options) => using((inner) => inner.list(ctx, path, options)),
    mkdir: (ctx, path) => using((inner) => inner.mkdir(ctx, path)),
    remove: (ctx, path, options) => using((inner) => inner.remove(ctx, path, options)),
    copy: (ctx, from, to, options) => using((inner) => inner.copy(ctx, from, to, options)),
    move: (ctx, from, to, options) => using((inner) => inner.move(ctx, from, to, options)),
    versions: (ctx, path, query) => using((inner) => pastOf(inner).versions(ctx, path, query)),
    restore: (ctx, path, version) => using((inner) => pastOf(inner).restore(ctx, path, version)),
    write: (ctx, path, body, options = {}) =>
      using((inner) => {
        checkDeclared(inner.capability, options, body.size);
        return inner.write(ctx, path, body, options);
      }),
    // Held until the answer is disposed of: a stream that is still being sent keeps its storage open.
    read: async (ctx, path, options = {}) => {
      busy += 1;
      try {
        const inner = await backend();
        checkDeclared(inner.capability, options);
        const result = await inner.read(ctx, path, options);
        let held = true;
        return {
          stat: result.stat,
          ...(result.range && { range: result.range }),
          content: result.content,
          ...(result.snapshot && { snapshot: result.snapshot }),
          [Symbol.asyncDispose]: async () => {
            await result[Symbol.asyncDispose]();
            if (held) release();
            held = false;
          },
        };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
};
