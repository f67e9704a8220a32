import {
  type Backend,
  type Capability,
  FileError,
  pathLimits,
  type Recovery,
} from "@bulkhead/contract";
import { copy } from "./copy.ts";
import { answerFor } from "./disk-fault.ts";
import { list } from "./list.ts";
import { type ListingBounds, listingBounds } from "./listings.ts";
import { checkMarker, readMarker } from "./marker.ts";
import { mkdir } from "./mkdir.ts";
import { move } from "./move.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { openVolume } from "./open-volume.ts";
import type { FileSystemPort } from "./port.ts";
import { read } from "./read.ts";
import { recovery } from "./recover.ts";
import { remove } from "./remove.ts";
import { stat } from "./stat.ts";
import type { Volume } from "./volume.ts";
import { write } from "./write.ts";

export interface LocalOptions {
  /** A directory of this backend alone; it may be a link to one. Made if missing, unless a marker is expected. */
  readonly root: string;
  /** `strict` by default: what `write` acknowledged survives power loss. `relaxed` syncs nothing. */
  readonly durability?: "strict" | "relaxed";
  /** The id that the root's marker has to have. Without one, a root that has no marker is given one. */
  readonly marker?: { readonly expect?: string };
  readonly fs?: FileSystemPort;
  readonly listings?: Partial<ListingBounds>;
}

export interface LocalBackend extends Backend, Recovery {
  /** The id of the content root. */
  readonly marker: string;
}

const capabilityOf = (volume: Volume): Capability => ({
  conditionalWrite: true,
  atomicMove: true,
  directories: true,
  versions: false,
  exactReplace: true,
  contentEtag: false,
  orderedList: false,
  contentType: false,
  metadata: false,
  durable: volume.strict,
  maxFileSize: undefined,
  maxPathBytes: pathLimits.pathBytes,
});

/** Writes, syncs and removes a file in staging, and finds the marker as it was. */
const probeVolume = async (volume: Volume, marker: string): Promise<void> => {
  const { fs, place, staging } = volume;
  checkMarker(marker, await readMarker(place.root, fs));
  const stage = staging.reserve();
  await staging.file(stage, async (handle) => {
    await handle.write(new Uint8Array(1));
    if (volume.strict) await handle.datasync();
  });
  await fs.unlink(stage.disk);
};

/** Translates what the disk says, refuses calls after `close`, and knows when none is running. */
const gate = () => {
  let running = 0;
  let closed = false;
  let idle: (() => void) | undefined;
  return {
    through:
      <A extends readonly unknown[], R>(
        call: (...args: A) => Promise<R>,
      ): ((...args: A) => Promise<R>) =>
      async (...args) => {
        if (closed) throw new FileError("unavailable", "This storage has been closed.");
        running += 1;
        try {
          return await call(...args);
        } catch (error) {
          throw answerFor(error);
        } finally {
          running -= 1;
          if (running === 0) idle?.();
        }
      },
    close: async (): Promise<void> => {
      closed = true;
      if (running > 0) await new Promise<void>((resolve) => (idle = resolve));
    },
  };
};

/**
 * Opens a directory as a storage: files are files, directories directories. Throws `unavailable` if the root cannot be
 * used or its marker is not the expected one. One process at a time may hold a root, and no other program may write
 * into it: locks are this process's alone, and a link swapped in between two system calls would be followed.
 * `close` refuses new calls and waits for those that run; content that is being read stays open until it is disposed.
 */
export const local = async (options: LocalOptions): Promise<LocalBackend> => {
  const opened = openVolume({
    root: options.root,
    strict: options.durability !== "relaxed",
    fs: options.fs ?? nodeFileSystem,
    expect: options.marker?.expect,
    listings: { ...listingBounds, ...options.listings },
  });
  const { volume, marker } = await opened.catch((error: unknown) => {
    throw answerFor(error);
  });
  const { through, close } = gate();
  const { recover, sweep } = recovery(volume);
  return {
    scheme: "local",
    marker,
    capability: capabilityOf(volume),
    stat: through(stat(volume)),
    read: through(read(volume)),
    write: through(write(volume)),
    list: through(list(volume)),
    mkdir: through(mkdir(volume)),
    remove: through(remove(volume)),
    copy: through(copy(volume)),
    move: through(move(volume)),
    region: () => Promise.resolve(undefined),
    probe: through(() => probeVolume(volume, marker)),
    close,
    recover: through(recover),
    sweep: through(sweep),
  };
};
