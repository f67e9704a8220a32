import {
  type Context,
  FileError,
  type Layer,
  permissionBits,
  type VirtualPath,
  type WholeTree,
} from "@bulkhead/contract";
import { overrideWhole } from "@bulkhead/kit";
import { noRelation } from "./relations-allow.ts";

const noSuchVersion = (): FileError => new FileError("not-found", "This path has no such version.");

/**
 * Keeps what was removed to those who can share its place. Whom relations govern otherwise sees the past of what is
 * there now: with a removed file went the relations that kept somebody from it, and one that is made again under its
 * name, and given to others, does not give them what lay there before.
 */
export const presentPast: Layer<WholeTree> = (inner) => {
  const seesAll = ({ principal: { standing } }: Context, path: VirtualPath): boolean =>
    standing === undefined || (standing.verdict(path).mask & permissionBits.can_share) !== 0;

  /** The versions since the last removal. */
  const present = async (ctx: Context, path: VirtualPath): Promise<ReadonlySet<string>> => {
    const since = new Set<string>();
    let after: string | undefined;
    do {
      const page = await inner.versions(ctx, path, { after });
      for (const { kind, version } of page.entries) {
        if (kind === "remove") return since;
        since.add(version);
      }
      after = page.next;
    } while (after !== undefined);
    return since;
  };

  const checkPresent = async (ctx: Context, path: VirtualPath, version: string): Promise<void> => {
    if (!seesAll(ctx, path) && !(await present(ctx, path)).has(version)) throw noSuchVersion();
  };

  return overrideWhole<VirtualPath, Context>(inner, {
    read: async (ctx, path, options) => {
      if (options?.version !== undefined) await checkPresent(ctx, path, options.version);
      return inner.read(ctx, path, options);
    },
    versions: async (ctx, path, query) => {
      if (seesAll(ctx, path)) return inner.versions(ctx, path, query);
      const since = await present(ctx, path);
      if (since.size === 0) throw noRelation();
      const page = await inner.versions(ctx, path, query);
      const entries = page.entries.filter(({ version }) => since.has(version));
      return entries.length < page.entries.length ? { entries } : page;
    },
    restore: async (ctx, path, version) => {
      await checkPresent(ctx, path, version);
      return inner.restore(ctx, path, version);
    },
  });
};
