import {
  child,
  type Context,
  FileError,
  isFileError,
  type Layer,
  type ListOptions,
  nameOf,
  type Page,
  type Stat,
  type VirtualPath,
  type WholeTree,
} from "@bulkhead/contract";
import { compareEntries, overrideWhole, pageLimit, pageOf, sortKey } from "@bulkhead/kit";

/** A share that a path leads through, and where that comes out. */
export interface Through<Point> {
  readonly kind: "share";
  readonly point: Point;
  readonly path: VirtualPath;
  readonly isRoot: boolean;
}

/** What a path means among the shares that a tenant was given. */
export type SharedPlace<Point> =
  | { readonly kind: "here" }
  | { readonly kind: "above"; readonly names: readonly string[] }
  | { readonly kind: "shares"; readonly points: readonly Point[] }
  | Through<Point>;

export interface ShareOptions<Point> {
  /** On shares no older than what the context stands on. */
  readonly resolve: (
    ctx: Context,
    path: VirtualPath,
  ) => SharedPlace<Point> | Promise<SharedPlace<Point>>;
  /** The same request, reaching what the share gives and judged there by the relation that carries it. */
  readonly enter: (ctx: Context, points: readonly Point[]) => Promise<Context>;
  /** Counts a request against the limits of those whose shares it leads through. Rejects with `rate-limited`. */
  readonly draw: (ctx: Context, points: readonly Point[]) => Promise<void>;
}

interface Given {
  readonly name: string;
  readonly source: VirtualPath;
}

/** How many shares are looked at together. */
const atOnce = 32;

const isThrough = <Point>(place: SharedPlace<Point>): place is Through<Point> =>
  place.kind === "share";

const directory = (name: string): Stat => ({ name, kind: "directory", size: 0, modifiedAt: 0 });

/** What was shared cannot be taken away where it is found. */
export const rooted = (): FileError =>
  new FileError("forbidden", "What was shared is moved and removed where it lies, by its owner.");

/**
 * Lets a tenant find what it was given below its own root, in `shared/from-<owner>`. Stands outside all other policy, so
 * that the owner's rules apply to what lies behind a share and the owner is charged; the directories above shares are
 * merged with real ones of the same name.
 */
export const sharing = <Point extends Given>({
  resolve,
  enter,
  draw,
}: ShareOptions<Point>): Layer<WholeTree> => {
  /** What of the shares the caller can see, as entries of a directory. */
  const seen = async (
    inner: WholeTree,
    ctx: Context,
    points: readonly Point[],
  ): Promise<readonly Stat[]> => {
    const stats: Stat[] = [];
    // Others decide how many there are: they do not decide how much is asked at once.
    for (let i = 0; i < points.length; i += atOnce) {
      const some = points.slice(i, i + atOnce);
      const found = await Promise.all(some.map((point) => seenOne(inner, ctx, point)));
      stats.push(...found.flat());
    }
    return stats;
  };

  const seenOne = async (inner: WholeTree, ctx: Context, point: Point): Promise<Stat[]> => {
    try {
      const stat = await inner.stat(await enter(ctx, [point]), point.source);
      return [{ ...stat, name: point.name }];
    } catch (error) {
      // It is gone, suspended, or not for this caller: then it is not there.
      if (error instanceof FileError && error.retry === "never") return [];
      throw error;
    }
  };

  return (inner) => {
    const here = async (ctx: Context, path: VirtualPath) => {
      const place = await resolve(ctx, path);
      if (!isThrough(place)) return { ctx, path, place };
      await draw(ctx, [place.point]);
      return { ctx: await enter(ctx, [place.point]), path: place.path, place };
    };
    const both = async (ctx: Context, from: VirtualPath, to: VirtualPath) => {
      const [source, target] = [await resolve(ctx, from), await resolve(ctx, to)];
      const points = [source, target].flatMap((place) => (isThrough(place) ? [place.point] : []));
      await draw(ctx, points);
      return {
        ctx: points.length === 0 ? ctx : await enter(ctx, points),
        from: isThrough(source) ? source.path : from,
        to: isThrough(target) ? target.path : to,
        source,
      };
    };
    /** A directory that the caller sees for the shares below it can no more be taken away than they. */
    const taking = async <R>(
      ctx: Context,
      path: VirtualPath,
      place: SharedPlace<Point>,
      run: () => Promise<R>,
    ): Promise<R> => {
      if (isThrough(place) && place.isRoot) throw rooted();
      try {
        return await run();
      } catch (error) {
        if (place.kind === "here" || isThrough(place) || !isFileError(error, "not-found"))
          throw error;
        // Throws what the caller would have got if it cannot see any of them.
        await stat(ctx, path);
        throw rooted();
      }
    };

    /** True if shares add something to a directory: asked no further than to the first. */
    const leads = async (
      ctx: Context,
      path: VirtualPath,
      place: SharedPlace<Point>,
    ): Promise<boolean> => {
      switch (place.kind) {
        case "here":
        case "share":
          return false;
        case "shares":
          for (const point of place.points)
            if ((await seenOne(inner, ctx, point)).length > 0) return true;
          return false;
        case "above":
          for (const name of place.names) {
            const at = child(path, name);
            if (await leads(ctx, at, await resolve(ctx, at))) return true;
          }
          return false;
        default:
          return place satisfies never;
      }
    };

    /** What shares add to a directory. */
    const added = async (
      ctx: Context,
      path: VirtualPath,
      place: SharedPlace<Point>,
    ): Promise<readonly Stat[]> => {
      switch (place.kind) {
        case "here":
        case "share":
          return [];
        case "shares":
          return seen(inner, ctx, place.points);
        case "above": {
          const shown: Stat[] = [];
          for (const name of place.names) {
            const at = child(path, name);
            if (await leads(ctx, at, await resolve(ctx, at))) shown.push(directory(name));
          }
          return shown;
        }
        default:
          return place satisfies never;
      }
    };

    const stat: WholeTree["stat"] = async (ctx, path) => {
      const at = await here(ctx, path);
      if (isThrough(at.place))
        return { ...(await inner.stat(at.ctx, at.path)), name: nameOf(path) };
      try {
        return await inner.stat(ctx, path);
      } catch (error) {
        if (at.place.kind === "here" || !isFileError(error, "not-found")) throw error;
        if (!(await leads(ctx, path, at.place))) throw error;
        return directory(nameOf(path));
      }
    };

    return overrideWhole(inner, {
      stat,
      read: async (ctx, path, options) => {
        const at = await here(ctx, path);
        const result = await inner.read(at.ctx, at.path, options);
        if (!isThrough(at.place)) return result;
        return { ...result, stat: { ...result.stat, name: nameOf(path) } };
      },
      list: async (ctx, path, options) => {
        const at = await here(ctx, path);
        if (at.place.kind === "here" || isThrough(at.place))
          return inner.list(at.ctx, at.path, options);
        return merged(
          await added(ctx, path, at.place),
          (more) => inner.list(ctx, path, more),
          options,
        );
      },
      write: async (ctx, path, body, options) => {
        const at = await here(ctx, path);
        return inner.write(at.ctx, at.path, body, options);
      },
      mkdir: async (ctx, path) => {
        const at = await here(ctx, path);
        return inner.mkdir(at.ctx, at.path);
      },
      remove: async (ctx, path, options) => {
        const at = await here(ctx, path);
        return taking(ctx, path, at.place, () => inner.remove(at.ctx, at.path, options));
      },
      copy: async (ctx, from, to, options) => {
        const at = await both(ctx, from, to);
        return inner.copy(at.ctx, at.from, at.to, options);
      },
      move: async (ctx, from, to, options) => {
        const at = await both(ctx, from, to);
        return taking(ctx, from, at.source, () => inner.move(at.ctx, at.from, at.to, options));
      },
      versions: async (ctx, path, query) => {
        const at = await here(ctx, path);
        return inner.versions(at.ctx, at.path, query);
      },
      restore: async (ctx, path, version) => {
        const at = await here(ctx, path);
        return inner.restore(at.ctx, at.path, version);
      },
    });
  };
};

/** A real directory's page with what shares add to it, in order; a real entry wins over one of the same name. */
const merged = async (
  added: readonly Stat[],
  list: (options: ListOptions) => Promise<Page>,
  options: ListOptions = {},
): Promise<Page> => {
  const limit = options.limit ?? pageLimit;
  // Throws for a limit out of bounds.
  pageOf([], options);
  const real: Stat[] = [];
  let after = options.after;
  try {
    do {
      const page = await list({ limit, ...(after !== undefined && { after }) });
      real.push(...page.entries);
      after = page.next;
    } while (after !== undefined && real.length <= limit);
  } catch (error) {
    if (!isFileError(error, "not-found") || added.length === 0) throw error;
  }
  const names = new Set(real.map(({ name }) => name));
  const all = real.concat(added.filter(({ name }) => !names.has(name))).toSorted(compareEntries);
  const page = pageOf(all, { limit, ...(options.after !== undefined && { after: options.after }) });
  const last = page.entries.at(-1);
  if (page.next !== undefined || after === undefined || last === undefined) return page;
  return { entries: page.entries, next: sortKey(last) };
};
