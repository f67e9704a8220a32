import { type Dirent } from "node:fs";
import { lstat, mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { readMarker } from "@bulkhead/backend-local";
import { reservedName } from "@bulkhead/contract";
import { type LedgerDump, readTable } from "@bulkhead/ledger";
import { copyFileSynced, type CopiedFile, isMissing } from "./backup-file.ts";
import type { ListingWriter } from "./backup-listing.ts";
import type { ContentPlace } from "./backup-places.ts";
import { inParallel } from "./in-parallel.ts";

/** Content that the ledger knows and that is not there, or not what was stored. */
export interface Damage {
  readonly path: string;
  readonly file: string;
  readonly fault: "missing" | "changed";
}

export interface PlaceCount {
  readonly files: number;
  readonly bytes: number;
}

export interface CopyContentOptions {
  readonly places: readonly ContentPlace[];
  readonly dump: LedgerDump;
  /** Where the dump's tables are. */
  readonly tables: string;
  /** An existing folder; each place gets one in it, named by its number. */
  readonly to: string;
  readonly listing: ListingWriter;
  readonly signal: AbortSignal;
}

const width = 8;
/** How often a plain tree is looked through again for what was written or moved meanwhile. */
const passes = 5;
const markerName = `${reservedName}/marker`;

/**
 * Copies what the ledger does not hold. Of versioned content exactly what the dump stands on; of plain folders every file,
 * each whole, as of some moment while this ran.
 */
export const copyContent = async (
  options: CopyContentOptions,
): Promise<{ readonly counts: readonly PlaceCount[]; readonly damaged: readonly Damage[] }> => {
  const { places, to, listing, signal } = options;
  const counts = places.map(() => ({ files: 0, bytes: 0 }));
  const damaged: Damage[] = [];
  const take = async (place: number, name: string): Promise<CopiedFile> => {
    const target = join(to, String(place), name);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    return copyFileSynced(join(places[place]?.folder ?? "", name), target, signal);
  };
  const note = (place: number, name: string, file: CopiedFile | undefined): void => {
    listing.add({ place, name, file });
    const count = counts[place];
    if (file === undefined || count === undefined || name === markerName) return;
    count.files += 1;
    count.bytes += file.size;
  };

  for (const [i, place] of places.entries()) {
    if (!(await isThere(place))) continue;
    await mkdir(join(to, String(i)), { mode: 0o700 });
    if (place.marker !== undefined) note(i, markerName, await take(i, markerName));
    if (place.kind === "versioned") continue;
    for (const [name, file] of await copyTree(place.folder, join(to, String(i)), (one) =>
      take(i, one),
    ))
      note(i, name, file);
  }
  await copyBlobs(options, async (i, name, wanted) => {
    const place = places[i];
    try {
      const file = await take(i, name);
      note(i, name, file);
      if (wanted !== undefined && wanted !== file.sha256)
        damaged.push({ path: place?.path ?? "", file: name, fault: "changed" });
    } catch (error) {
      if (!isMissing(error)) throw error;
      if (place?.going !== true)
        damaged.push({ path: place?.path ?? "", file: name, fault: "missing" });
    }
  });
  return { counts, damaged };
};

/** Rejects with an `Error` where a folder is not the one that the ledger knows. */
const isThere = async ({ folder, marker, path, going }: ContentPlace): Promise<boolean> => {
  const found = await readMarker(folder);
  if (found === marker && found !== undefined) return true;
  if (marker === undefined)
    return lstat(folder).then(
      () => true,
      () => false,
    );
  if (going) return false;
  throw new Error(
    `The content of ${path} is not in ${folder}: name the server's --data-dir and --config, or mount the disk.`,
  );
};

const copyBlobs = async (
  { places, dump, tables, signal }: CopyContentOptions,
  take: (place: number, name: string, sha256: string | undefined) => Promise<void>,
): Promise<void> => {
  const mounts = new Map(places.map(({ mount }, i) => [mount, i]));
  // By its tree: while a tenant is being moved its rows do not all name the store that they are in by now.
  const placeOf = new Map<string, number | undefined>();
  for await (const [id = "", mount = ""] of readTable(tables, dump, "tree", ["id", "mount"]))
    placeOf.set(id, mounts.get(mount));
  const rows = readTable(tables, dump, "blob", ["id", "tree", "refs", "codec", "digest"]);
  await inParallel(rows, width, async ([id = "", tree = "", refs, codec, digest]) => {
    signal.throwIfAborted();
    const place = placeOf.get(tree);
    // What nothing stands on, or whose root is gone, nobody will ask for.
    if (refs === "0" || place === undefined) return;
    const wanted = codec === "raw" ? digest?.replace(/^\\x/, "") : undefined;
    await take(place, `${id.slice(0, 2)}/${id}`, wanted);
  });
};

/** A name below a folder, and what tells that it is not the same file any more; empty for a directory. */
interface Seen {
  readonly name: string;
  readonly stamp: string;
}

/** What is kept of a plain folder, by name; a directory's ends in a slash. */
type Tree = Map<string, CopiedFile | undefined>;

/** Copies a folder in passes, until one finds nothing that the one before did not have. */
const copyTree = async (
  from: string,
  to: string,
  take: (name: string) => Promise<CopiedFile>,
): Promise<Tree> => {
  const tree: Tree = new Map();
  const known = new Map<string, string>();
  for (let pass = 0; pass < passes; pass++) {
    const seen = new Set<string>();
    let changed = false;
    // Directories one after another, so that each is there before what is in it.
    const files = async function* (): AsyncGenerator<Seen> {
      for await (const entry of walk(from, "")) {
        const { name, stamp } = entry;
        seen.add(name);
        if (known.get(name) === stamp) continue;
        changed = true;
        await rm(resolve(to, name), { recursive: true, force: true });
        // What was a file may be a directory now, or the other way round.
        const other = stamp === "" ? name.slice(0, -1) : `${name}/`;
        known.delete(other);
        tree.delete(other);
        if (stamp !== "") yield entry;
        else {
          await mkdir(resolve(to, name), { mode: 0o700 });
          known.set(name, stamp);
          tree.set(name, undefined);
        }
      }
    };
    await inParallel(files(), width, async ({ name, stamp }) => {
      try {
        tree.set(name, await take(name));
        known.set(name, stamp);
      } catch (error) {
        // Removed or renamed since it was seen; the next pass finds it where it is.
        if (!isMissing(error)) throw error;
      }
    });
    for (const name of [...known.keys()].filter((one) => !seen.has(one))) {
      changed = true;
      tree.delete(name);
      known.delete(name);
      await rm(resolve(to, name), { recursive: true, force: true }).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    }
    if (!changed) break;
  }
  return tree;
};

/** Files and directories below a folder, each directory before what is in it. Nothing of the storage's own, no links. */
async function* walk(root: string, below: string): AsyncGenerator<Seen> {
  let entries: Dirent[];
  try {
    entries = await readdir(join(root, below), { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  for (const entry of entries) {
    if (below === "" && entry.name === reservedName) continue;
    const name = `${below}${entry.name}`;
    if (entry.isDirectory()) {
      yield { name: `${name}/`, stamp: "" };
      yield* walk(root, `${name}/`);
    } else if (entry.isFile()) {
      try {
        const { ino, size, mtimeNs, ctimeNs } = await lstat(join(root, name), { bigint: true });
        yield { name, stamp: `${ino}:${size}:${mtimeNs}:${ctimeNs}` };
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
  }
}
