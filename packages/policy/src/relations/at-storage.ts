import {
  type Context,
  type ExplainStep,
  FileError,
  isFileError,
  isUnder,
  type Operation,
  parent,
  type Stat,
  type VirtualPath,
} from "@bulkhead/contract";

/** Where a path is stored. */
export interface StoredAt {
  readonly mount: VirtualPath;
  readonly readOnly: boolean;
  /** A mount begins at the path, or below it. */
  readonly mounted: "at" | "below" | undefined;
  /** Mounts above that would serve the path without this one. */
  readonly runnersUp: readonly VirtualPath[];
  readonly scheme: string;
  readonly region: () => Promise<string | undefined>;
}

export interface AtStorage {
  readonly storedAt: (path: VirtualPath) => StoredAt;
  /** What is there, whoever asks. */
  readonly statAt: (ctx: Context, path: VirtualPath) => Promise<Stat>;
}

/** Operations that need something to be at the path they name first. */
const looks: ReadonlySet<Operation> = new Set<Operation>([
  "stat",
  "read",
  "list",
  "remove",
  "copy",
  "move",
]);

const reads: ReadonlySet<Operation> = new Set<Operation>(["stat", "read", "list"]);

/** Throws what the mount table answers by itself. */
export const checkMounts = (operation: Operation, places: readonly StoredAt[]): void => {
  const fixed =
    (operation === "move" && places.some(({ mounted }) => mounted !== undefined)) ||
    (operation === "remove" && places[0]?.mounted === "below");
  if (fixed)
    throw new FileError(
      "forbidden",
      "A mount point and the directories above it are changed by changing the mounts.",
    );
  if (!reads.has(operation) && places.at(-1)?.readOnly === true)
    throw new FileError("forbidden", "This part of the tree is mounted read-only.");
};

/** Throws `not-found` for a directory that is missing, `not-directory` where a file lies at it or above. */
const checkAbove = async (
  statAt: AtStorage["statAt"],
  ctx: Context,
  path: VirtualPath,
): Promise<void> => {
  for (let at: VirtualPath | undefined = path; at !== undefined; at = parent(at)) {
    try {
      if ((await statAt(ctx, at)).kind === "file")
        throw new FileError("not-directory", "A file lies where a directory would be.");
      if (at === path) return;
      break;
    } catch (error) {
      if (!isFileError(error, "not-found")) throw error;
    }
  }
  throw new FileError("not-found", "The directory above is missing.");
};

/** Says what the storage of a path would answer before it did anything. Throws that where it is a refusal. */
export const askStorage = async (
  { storedAt, statAt }: AtStorage,
  ctx: Context,
  operation: Operation,
  path: VirtualPath,
  to?: VirtualPath,
): Promise<Pick<ExplainStep, "outcome" | "detail" | "facts">> => {
  const { scheme, region, mounted } = storedAt(path);
  if (looks.has(operation)) {
    const { kind } = await statAt(ctx, path);
    if (operation === "read" && kind === "directory")
      throw new FileError("is-directory", "This is a directory, not a file.");
    if (operation === "list" && kind === "file")
      throw new FileError("not-directory", "This is a file, not a directory.");
    if (kind === "directory" && to !== undefined && to !== path && isUnder(path, to))
      throw new FileError("invalid-request", "A directory cannot go into itself.");
  }
  const above = parent(path);
  if (operation === "mkdir" && above !== undefined && mounted === undefined) {
    // What is there already says so before what is missing above it can.
    const taken = await statAt(ctx, path).then(
      () => true,
      (error: unknown) => !isFileError(error, "not-found"),
    );
    if (!taken) await checkAbove(statAt, ctx, above);
  }
  const where = await region().catch(() => undefined);
  return {
    outcome: "allowed",
    detail: `Stored by ${scheme}.`,
    facts: { scheme, ...(where !== undefined && { region: where }) },
  };
};
