import type { ImportSource, SourceEntry, Unfit } from "../import/source.ts";
import type { Direction } from "./direction.ts";

/** What there is to do for a file of the source. `compare`: as long as at the target, and not known to be the same. */
export interface Step {
  readonly entry: SourceEntry;
  readonly kind: "new" | "changed" | "compare" | "same";
  /** The stamp of what is at the target. */
  readonly before: string | undefined;
}

export interface SyncPlan {
  readonly steps: readonly Step[];
  /** Directories that are to be made, because nothing lies in them. */
  readonly empty: readonly SourceEntry[];
  /** Files of the target that the source does not have. */
  readonly extra: readonly SourceEntry[];
  /** Directories of the target that the source does not have, the deepest first. */
  readonly extraDirectories: readonly (readonly string[])[];
  /** What an interrupted run left at the target. */
  readonly leftovers: readonly SourceEntry[];
  /** How many files the target has. */
  readonly held: number;
  /** What is not brought over. */
  readonly unfit: readonly Unfit[];
}

interface Side {
  readonly files: ReadonlyMap<string, SourceEntry>;
  readonly directories: ReadonlyMap<string, readonly string[]>;
  readonly empty: readonly SourceEntry[];
  readonly ours: readonly SourceEntry[];
  /** Names that are something else than files and directories. */
  readonly others: ReadonlySet<string>;
  readonly unfit: readonly Unfit[];
}

const sideOf = async (end: ImportSource, isOurs: Direction["isOurs"]): Promise<Side> => {
  const files = new Map<string, SourceEntry>();
  const directories = new Map<string, readonly string[]>();
  const empty: SourceEntry[] = [];
  const ours: SourceEntry[] = [];
  const unfit: Unfit[] = [];
  for await (const entry of end.entries((what) => unfit.push(what))) {
    const { below } = entry;
    if (entry.kind === "file" && isOurs(below)) {
      ours.push(entry);
      continue;
    }
    if (entry.kind === "file") files.set(below.join("/"), entry);
    else empty.push(entry);
    for (let depth = below.length - (entry.kind === "file" ? 1 : 0); depth > 0; depth -= 1) {
      const names = below.slice(0, depth);
      const key = names.join("/");
      if (directories.has(key)) break;
      directories.set(key, names);
    }
  }
  const top = end.spelled([]);
  const others = new Set(
    unfit.flatMap(({ spelled }) =>
      spelled.startsWith(top) ? [spelled.slice(top.length).replace(/^\//, "")] : [],
    ),
  );
  return { files, directories, empty, ours, unfit, others };
};

/** True if it is, or lies below, what neither end's run may touch. */
const isUnderAny = (below: readonly string[], others: ReadonlySet<string>): boolean =>
  below.some((_, i) => others.has(below.slice(0, i + 1).join("/")));

/** Looks at both ends and says what is to be done; `isSame` knows files that were the same at an earlier run. */
export const planSync = async (
  { source, target, isOurs }: Direction,
  isSame: (path: string, source: string, target: string) => boolean,
): Promise<SyncPlan> => {
  const [from, to] = [await sideOf(source, isOurs), await sideOf(target, isOurs)];
  const steps = [...from.files].map(([path, entry]): Step => {
    const there = to.files.get(path);
    if (there === undefined) return { entry, kind: "new", before: undefined };
    const before = there.stamp;
    if (isSame(path, entry.stamp, before)) return { entry, kind: "same", before };
    return { entry, kind: there.size === entry.size ? "compare" : "changed", before };
  });
  return {
    steps,
    empty: from.empty.filter(({ below }) => !to.directories.has(below.join("/"))),
    // What is a link here and a file there was not taken away: it cannot be brought over.
    extra: [...to.files.values()].filter(
      ({ below }) => !from.files.has(below.join("/")) && !isUnderAny(below, from.others),
    ),
    extraDirectories: [...to.directories]
      .filter(([path, below]) => !from.directories.has(path) && !isUnderAny(below, from.others))
      .map(([, below]) => below)
      .toSorted((a, b) => b.length - a.length),
    leftovers: to.ours,
    held: to.files.size,
    unfit: [...from.unfit, ...to.unfit],
  };
};

/** So many files may go without a question. */
const fewFiles = 10;
/** And no greater share of what is there. */
const share = 0.25;

/** Says why a removal has to be affirmed: it looks like a mistake; undefined where it does not. */
export const brakeOf = ({ extra, held, steps }: SyncPlan): string | undefined => {
  if (extra.length === 0) return undefined;
  if (steps.length === 0) return `the source has no files, and all ${extra.length} here would go`;
  return extra.length > fewFiles && extra.length > held * share
    ? `${extra.length} of ${held} files would go`
    : undefined;
};
