import {
  type Backend,
  type BackendPath,
  type Capability,
  type ListOptions,
  type MoveOptions,
  type Moved,
  type OpContext,
  type Page,
  parseBackendPath,
  type ReadOptions,
  type Removed,
  type RemoveOptions,
  type Stat,
  type WriteOptions,
  type WriteResult,
} from "@bulkhead/contract";
import { collect, plainContext, type PlainContextOptions, sortKey } from "@bulkhead/kit";
import { fail, same } from "./assert.ts";
import { bodyOf, type Content, text } from "./bodies.ts";

/** A tree as contents by path; a directory that is to be there although it is empty ends in `/`. */
export type TreeShape = Readonly<Record<string, string>>;

/** The backend of one case, with plain strings for its paths and contents. */
export interface Bench {
  readonly backend: Backend;
  readonly capability: Capability;
  readonly seed: number;
  readonly put: (
    path: string,
    content: Content,
    options?: WriteOptions,
    ctx?: OpContext,
  ) => Promise<WriteResult>;
  readonly get: (path: string, options?: ReadOptions) => Promise<string>;
  readonly bytes: (path: string, options?: ReadOptions) => Promise<Uint8Array>;
  readonly stat: (path: string, ctx?: OpContext) => Promise<Stat>;
  readonly etag: (path: string) => Promise<string>;
  readonly list: (path: string, options?: ListOptions, ctx?: OpContext) => Promise<Page>;
  /** The sort keys of all entries, page by page. */
  readonly keys: (path: string, limit?: number) => Promise<readonly string[]>;
  readonly mkdir: (path: string, ctx?: OpContext) => Promise<void>;
  readonly remove: (path: string, options?: RemoveOptions, ctx?: OpContext) => Promise<Removed>;
  readonly copy: (
    from: string,
    to: string,
    options?: MoveOptions,
    ctx?: OpContext,
  ) => Promise<WriteResult | Removed>;
  readonly move: (
    from: string,
    to: string,
    options?: MoveOptions,
    ctx?: OpContext,
  ) => Promise<Moved>;
  /** Makes files, and directories for paths that end in `/`. */
  readonly plant: (shape: TreeShape) => Promise<void>;
  /** Everything that is stored, by listing and reading it. */
  readonly tree: () => Promise<TreeShape>;
  /** Compares everything that is stored. */
  readonly expectTree: (shape: TreeShape, what: string) => Promise<void>;
}

export const at = (raw: string): BackendPath => parseBackendPath(raw);
export const context = (options: PlainContextOptions = {}): OpContext => plainContext(options);

const done = <R extends object>(answer: R | { readonly job: string }): R =>
  "job" in answer ? fail("A backend does not answer with a job.") : (answer as R);

/** Adds the directories that a shape implies; empty ones only where the storage has such. */
const completed = (shape: TreeShape, directories: boolean): TreeShape => {
  const whole: Record<string, string> = {};
  for (const [path, content] of Object.entries(shape)) {
    if (path.endsWith("/") && !directories) continue;
    whole[path] = content;
    for (let cut = path.indexOf("/"); cut >= 0; cut = path.indexOf("/", cut + 1))
      whole[path.slice(0, cut + 1)] = "";
  }
  return whole;
};

export const bench = (backend: Backend, seed: number): Bench => {
  const { directories } = backend.capability;

  const bytes: Bench["bytes"] = async (path, options) => {
    await using answer = await backend.read(context(), at(path), options);
    // Awaited here: what is let go of cannot be read.
    return await collect(answer.content);
  };

  const keys: Bench["keys"] = async (path, limit = 1000) => {
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await backend.list(context(), at(path), {
        limit,
        ...(after !== undefined && { after }),
      });
      found.push(...page.entries.map(sortKey));
      after = page.next;
    } while (after !== undefined);
    return found;
  };

  const gatherTree = async (path: string, into: Record<string, string>): Promise<void> => {
    for (const key of await keys(path)) {
      const whole = path === "" ? key : `${path}/${key}`;
      if (!key.endsWith("/")) into[whole] = text(await bytes(whole));
      else {
        into[whole] = "";
        await gatherTree(whole.slice(0, -1), into);
      }
    }
  };

  const tree = async (): Promise<TreeShape> => {
    const found: Record<string, string> = {};
    await gatherTree("", found);
    return found;
  };

  return {
    backend,
    capability: backend.capability,
    seed,
    put: (path, content, options, ctx = context()) =>
      backend.write(ctx, at(path), bodyOf(content), options),
    bytes,
    get: async (path, options) => text(await bytes(path, options)),
    stat: (path, ctx = context()) => backend.stat(ctx, at(path)),
    etag: async (path) =>
      (await backend.stat(context(), at(path))).etag ?? fail(`'${path}' has no ETag`),
    list: (path, options, ctx = context()) => backend.list(ctx, at(path), options),
    keys,
    mkdir: (path, ctx = context()) => backend.mkdir(ctx, at(path)),
    remove: async (path, options, ctx = context()) =>
      done(await backend.remove(ctx, at(path), options)),
    copy: async (from, to, options, ctx = context()) =>
      done(await backend.copy(ctx, at(from), at(to), options)),
    move: async (from, to, options, ctx = context()) =>
      done(await backend.move(ctx, at(from), at(to), options)),
    plant: async (shape) => {
      for (const [path, content] of Object.entries(shape)) {
        if (!path.endsWith("/")) await backend.write(context(), at(path), bodyOf(content));
        else if (directories) await backend.mkdir(context(), at(path.slice(0, -1)));
      }
    },
    tree,
    expectTree: async (shape, what) =>
      same(await tree(), completed(shape, directories), `${what}: what is stored`),
  };
};
