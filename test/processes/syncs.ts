export const placements = ["local", "versioned"] as const;
export type Placement = (typeof placements)[number];

/** A sync of the product, and how to leave it out. */
export interface Sync {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to?: string;
  readonly on?: Placement;
  /** The power fails as soon as it serves. By default it fails after work, by which others have synced that, too. */
  readonly once?: "serving";
}

const local = "/backend-local/src";
/** Every place where the product waits for the disk before it answers. */
export const syncs: readonly Sync[] = [
  {
    name: "of what is written",
    file: `${local}/write.ts`,
    from: "await syncContent(volume, handle);",
  },
  {
    name: "of what is written to versioned storage",
    file: `${local}/write.ts`,
    from: "await syncContent(volume, handle);",
    on: "versioned",
  },
  {
    name: "of what is copied",
    file: `${local}/tree.ts`,
    from: "await syncContent(volume, handle);",
  },
  {
    name: "of a copied directory",
    file: `${local}/tree.ts`,
    from: "await syncDirectory(volume, to);",
  },
  {
    name: "of where something is put",
    file: `${local}/target.ts`,
    from: "await syncEffect(volume, [...touched, ...left]);",
    to: "await syncEffect(volume, left);",
  },
  {
    name: "of where something is put on versioned storage",
    file: `${local}/target.ts`,
    from: "await syncEffect(volume, [...touched, ...left]);",
    to: "await syncEffect(volume, left);",
    on: "versioned",
  },
  {
    name: "of the directories made above it",
    file: `${local}/target.ts`,
    from: "await syncEffect(volume, [...touched, ...left]);",
    to: "await syncEffect(volume, [...touched.slice(0, 1), ...left]);",
  },
  {
    name: "of where something was moved from",
    file: `${local}/target.ts`,
    from: "await syncEffect(volume, [...touched, ...left]);",
    to: "await syncEffect(volume, touched);",
  },
  {
    name: "of where something was removed",
    file: `${local}/remove.ts`,
    from: "await syncEffect(volume, [directory]);",
  },
  {
    name: "of a new storage's marker",
    file: `${local}/marker.ts`,
    from: "await handle.datasync();",
  },
  {
    name: "of the directory of a new storage's marker",
    file: `${local}/open-volume.ts`,
    from: "await sync(fs, hidden);",
  },
  {
    name: "of the directories above a new storage's root",
    file: `${local}/open-volume.ts`,
    from: "await sync(fs, await fs.realpath(dirname(root)));",
  },
  {
    name: "of a secret",
    file: "/engine/src/secret-file.ts",
    from: "await handle.sync();",
  },
  {
    name: "of the folder above a new data folder",
    file: "/engine/src/make-folder.ts",
    from: "await syncFolder(at);",
  },
  {
    name: "of the folder of a secret",
    once: "serving",
    file: "/engine/src/secret-file.ts",
    from: "await syncFolder(dataDir);",
  },
];
