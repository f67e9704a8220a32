import type { AnyPath, Layer, OpContext, Operation, Store, Versions } from "@bulkhead/contract";

/** What an operation does to a path it names. `write` makes or changes it, `delete` takes it away. */
export type Access = "read" | "write" | "delete";
export interface Touch<P extends AnyPath> {
  readonly path: P;
  readonly access: Access;
}

/** Everything that can be done to a tree: the file operations, and those on the past of files. */
export type Act = Operation | keyof Versions;

/** One call, restated as what it touches. */
export interface Call<P extends AnyPath> {
  readonly operation: Act;
  /** The source first, then the target. */
  readonly paths: readonly P[];
  readonly touches: readonly Touch<P>[];
  readonly mutates: boolean;
  /** Done twice it leaves what it leaves done once, whatever the options. */
  readonly idempotent: boolean;
}

interface Nature {
  readonly mutates: boolean;
  readonly idempotent: boolean;
  /** The accesses at each path that the operation takes, in the order of its parameters. */
  readonly accesses: readonly (readonly Access[])[];
}

/** What every operation touches: the one table that all policy is derived from. */
export const natures: Readonly<Record<Act, Nature>> = {
  stat: { mutates: false, idempotent: true, accesses: [["read"]] },
  read: { mutates: false, idempotent: true, accesses: [["read"]] },
  list: { mutates: false, idempotent: true, accesses: [["read"]] },
  write: { mutates: true, idempotent: false, accesses: [["write"]] },
  mkdir: { mutates: true, idempotent: false, accesses: [["write"]] },
  remove: { mutates: true, idempotent: false, accesses: [["delete"]] },
  copy: { mutates: true, idempotent: false, accesses: [["read"], ["write"]] },
  move: { mutates: true, idempotent: false, accesses: [["read", "delete"], ["write"]] },
  versions: { mutates: false, idempotent: true, accesses: [["read"]] },
  restore: { mutates: true, idempotent: false, accesses: [["write"]] },
};

/** Restates one call as what it touches. */
export const callOf = <P extends AnyPath>(operation: Act, ...paths: readonly P[]): Call<P> => {
  const { mutates, idempotent, accesses } = natures[operation];
  const touches = paths.flatMap((path, i) =>
    (accesses[i] ?? []).map((access) => ({ path, access })),
  );
  return { operation, paths, touches, mutates, idempotent };
};

/** Stands around every call. `next` runs the operation, under another context if one is given. */
export type Around<P extends AnyPath, C extends OpContext> = <R>(
  ctx: C,
  call: Call<P>,
  next: (ctx: C) => Promise<R>,
) => Promise<R>;

/** Makes a policy layer that no operation escapes: an operation added to `Store` does not compile until it is named here. */
export const guard =
  <P extends AnyPath, C extends OpContext>(around: Around<P, C>): Layer<Store<P, C>> =>
  (inner) => ({
    stat: (ctx, path) => around(ctx, callOf("stat", path), (c) => inner.stat(c, path)),
    read: (ctx, path, options) =>
      around(ctx, callOf("read", path), (c) => inner.read(c, path, options)),
    write: (ctx, path, body, options) =>
      around(ctx, callOf("write", path), (c) => inner.write(c, path, body, options)),
    list: (ctx, path, options) =>
      around(ctx, callOf("list", path), (c) => inner.list(c, path, options)),
    mkdir: (ctx, path) => around(ctx, callOf("mkdir", path), (c) => inner.mkdir(c, path)),
    remove: (ctx, path, options) =>
      around(ctx, callOf("remove", path), (c) => inner.remove(c, path, options)),
    copy: (ctx, from, to, options) =>
      around(ctx, callOf("copy", from, to), (c) => inner.copy(c, from, to, options)),
    move: (ctx, from, to, options) =>
      around(ctx, callOf("move", from, to), (c) => inner.move(c, from, to, options)),
  });

/** As `guard`, for what has a past as well. */
export const guardWhole = <P extends AnyPath, C extends OpContext>(
  around: Around<P, C>,
): Layer<Store<P, C> & Versions<P, C>> => {
  const files = guard(around);
  return (inner) => ({
    ...files(inner),
    versions: (ctx, path, query) =>
      around(ctx, callOf("versions", path), (c) => inner.versions(c, path, query)),
    restore: (ctx, path, version) =>
      around(ctx, callOf("restore", path), (c) => inner.restore(c, path, version)),
  });
};
