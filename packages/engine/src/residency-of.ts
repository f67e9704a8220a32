import {
  FileError,
  isFileError,
  isUnder,
  type PageOf,
  type PageQuery,
  parseBackendPath,
  parseVirtualPath,
  type ResidencyItem,
  type ResidencyState,
  type TenantRecord,
} from "@bulkhead/contract";
import { listRecursive, plainContext } from "@bulkhead/kit";
import type { Ledger } from "@bulkhead/ledger";
import type { RootsTable } from "./roots.ts";

export interface ResidencyOptions {
  readonly roots: Pick<RootsTable, "table" | "catchUp">;
  readonly trees: Pick<Ledger["trees"], "contentsApart" | "pastOf" | "removedFrom">;
  readonly ledgerRegion: string | undefined;
}

interface Place {
  readonly region: string | null;
  readonly state: ResidencyState;
}

const pageSize = 200;

/** Looks at every file of a tenant, mount by mount in the order of their paths, and says where it is. */
export const residencyOf =
  ({ roots, trees, ledgerRegion }: ResidencyOptions) =>
  async (tenant: TenantRecord, query: PageQuery): Promise<PageOf<ResidencyItem>> => {
    await roots.catchUp(undefined);
    const own = tenant.roots.map(parseVirtualPath);
    const mounts = [...roots.table().mounts()]
      .filter(({ path }) => own.some((root) => isUnder(root, path)))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const [id, after, removedPath, removedN] = positionOf(query.after);
    const index = id === undefined ? 0 : mounts.findIndex((mount) => mount.id === id);
    const mount = mounts[index];
    if (mount === undefined) return { items: [] };
    const following = mounts[index + 1];
    const next = following && { next: JSON.stringify([following.id]) };

    const allows = (region: string | null): boolean =>
      tenant.allowedRegions === null || (region !== null && tenant.allowedRegions.includes(region));
    const judged = (region: string | null, state: ResidencyState): Place => ({
      region,
      state: allows(region) ? state : "violated",
    });
    const metadata = judged(
      ledgerRegion ?? null,
      ledgerRegion === undefined ? "unverified" : "verified",
    );
    const region = mount.region ?? ledgerRegion ?? null;
    try {
      const real = await mount.backend.region();
      const apart = judged(real ?? region, real === undefined ? "unverified" : "verified");
      const ctx = plainContext({ requestId: "residency" });
      const inRows: Place =
        region === (ledgerRegion ?? null)
          ? metadata
          : { region: metadata.region, state: "violated" };
      const limit = query.limit ?? pageSize;
      if (removedPath !== undefined && removedN !== undefined) {
        // What was removed and is kept, when all that is live was looked at.
        const place = { path: removedPath, n: removedN };
        const found = await trees.removedFrom(mount.id, place, limit);
        const last = found.length === limit ? found.at(-1) : undefined;
        const items = found.map((one): ResidencyItem => ({
          path: `${mount.path}/${one.path}`,
          kind: "removed",
          size: one.size,
          content: one.inRows ? inRows : apart,
          metadata,
        }));
        return last === undefined
          ? { items, ...next }
          : { items, next: JSON.stringify([mount.id, "", last.path, last.n]) };
      }
      const page = await listRecursive(mount.backend, ctx, parseBackendPath(""), { limit, after });
      const files = page.entries.filter(({ kind }) => kind === "file");
      const versions = files.flatMap(({ version }) => version ?? []);
      // What a tree does not keep apart lies in its rows, and those are where the ledger is.
      const apartOf = await trees.contentsApart(mount.id, versions);
      const past = apartOf === undefined ? undefined : await trees.pastOf(mount.id, versions);
      const items = files.flatMap(({ path: names, size, version = "" }): ResidencyItem[] => {
        const isRow = apartOf !== undefined && size > 0 && !apartOf.has(version);
        const path = `${mount.path}/${names.join("/")}`;
        const before = past?.get(version);
        return [
          { path, kind: "file", size, content: isRow ? inRows : apart, metadata },
          ...(before === undefined
            ? []
            : [
                {
                  path,
                  kind: "versions" as const,
                  size: before.size,
                  content: before.inRows ? inRows : apart,
                  metadata,
                },
              ]),
        ];
      });
      if (page.next !== undefined) return { items, next: JSON.stringify([mount.id, page.next]) };
      return apartOf === undefined
        ? { items, ...next }
        : { items, next: JSON.stringify([mount.id, "", "", "0"]) };
    } catch (error) {
      if (!isFileError(error, "unavailable") && !isFileError(error, "timeout")) throw error;
      const content: Place = { region, state: "unreachable" };
      return {
        items: [{ path: mount.path, kind: "mount", size: null, content, metadata }],
        ...next,
      };
    }
  };

const positionOf = (after: string | undefined): readonly (string | undefined)[] => {
  if (after === undefined) return [];
  try {
    const parts: unknown = JSON.parse(after);
    if (Array.isArray(parts)) return parts.map(String);
  } catch {
    // Falls through to the one refusal.
  }
  throw new FileError("invalid-request", "The cursor 'after' is not one that this list gave.");
};
