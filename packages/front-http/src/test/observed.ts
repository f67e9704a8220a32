import {
  type Backend,
  type BackendPath,
  type Credential,
  parseBackendPath,
  type ReadResult,
  type RequestPath,
  type Session,
  type StoredAnswer,
} from "@bulkhead/contract";

/** What happened below the front, for tests to look at. */
export interface Observed {
  readonly credentials: Credential[];
  /** Requests that were entered and ended, and those that became streams. */
  ended: number;
  streams: number;
  opened: number;
  disposed: number;
  /** Bodies that a write began to pull, and those that were left again. */
  pulled: number;
  left: number;
  readonly writes: string[];
  readonly claims: Map<
    string,
    { state: "new" | "committed" | "answered"; digest?: string; answer?: StoredAnswer; id: string }
  >;
  readonly minted: string[];
}

const place = (path: RequestPath): BackendPath => parseBackendPath(path.slice(1));

/** A session whose reads and bodies are watched. */
export const observe = (session: Session, seen: Observed): Session => ({
  ...session,
  read: async (ctx, path, options) => {
    const result = await session.read(ctx, path, options);
    seen.opened += 1;
    const watched: ReadResult = {
      stat: result.stat,
      ...(result.range && { range: result.range }),
      content: result.content,
      [Symbol.asyncDispose]: async () => {
        seen.disposed += 1;
        await result[Symbol.asyncDispose]();
      },
    };
    return watched;
  },
  write: (ctx, path, body, options) => {
    seen.writes.push(path);
    async function* pulling(): AsyncGenerator<Uint8Array> {
      seen.pulled += 1;
      try {
        yield* body.open();
      } finally {
        seen.left += 1;
      }
    }
    return session.write(ctx, path, { ...body, open: pulling }, options);
  },
});

/** A session on a backend, its paths taken as they are. */
export const sessionOver = (backend: Backend): Session => ({
  stat: (ctx, path) => backend.stat(ctx, place(path)),
  read: (ctx, path, options) => backend.read(ctx, place(path), options),
  write: (ctx, path, body, options) => backend.write(ctx, place(path), body, options),
  list: (ctx, path, options) => backend.list(ctx, place(path), options),
  mkdir: (ctx, path) => backend.mkdir(ctx, place(path)),
  remove: (ctx, path, options) => backend.remove(ctx, place(path), options),
  copy: (ctx, from, to, options) => backend.copy(ctx, place(from), place(to), options),
  move: (ctx, from, to, options) => backend.move(ctx, place(from), place(to), options),
});

/** What an Idempotency-Key was claimed for is done. */
export const mark = (seen: Observed, id: string | undefined): void => {
  const row = id === undefined ? undefined : seen.claims.get(id);
  if (row !== undefined) row.state = "committed";
};
