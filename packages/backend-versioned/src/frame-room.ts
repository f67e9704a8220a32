import { FileError } from "@bulkhead/contract";
import { fairSlots } from "@bulkhead/kit";
import { frameBytes } from "./frames.ts";

/** A frame that is held while its reader takes it. */
export interface HeldFrame {
  /** Notes that its reader is waited for. */
  readonly waits: () => void;
  /** False if the frame was let go of meanwhile. */
  readonly goesOn: () => boolean;
  readonly end: () => void;
}

/** Where verified frames are held, for all trees of a process together. */
export interface FrameRoom {
  /**
   * Holds one frame more; undefined where there is no room for it. Somebody whose reader waits may be told to let go, at
   * any moment: it reads its frame again.
   */
  readonly take: (letGo: () => void) => HeldFrame | undefined;
  /** Waits for a turn to read a frame without holding it; what is answered ends the turn. */
  readonly turn: (signal: AbortSignal) => Promise<() => void>;
}

interface Holder {
  /** Since when its reader is waited for. */
  since: number;
  readonly letGo: () => void;
}

/** Frames that are read at once by those who hold none. */
const turns = 8;

/** Makes room for so many bytes of frames, 8 MiB by default; beyond it goes the frame whose reader has been waited for longest, once that is `patienceMs`. */
export const frameRoom = (bytes: number = 2 * frameBytes, patienceMs: number = 1000): FrameRoom => {
  const most = Math.floor(bytes / frameBytes);
  const holders = new Set<Holder>();
  const slots = fairSlots({
    total: turns,
    busy: () => new FileError("unavailable", "Too many contents are being read."),
  });

  /** Makes room by the one whose reader has been waited for longest. */
  const evict = (): boolean => {
    let slowest: Holder | undefined;
    for (const holder of holders) if (holder.since < (slowest?.since ?? Infinity)) slowest = holder;
    if (slowest === undefined || performance.now() - slowest.since < patienceMs) return false;
    holders.delete(slowest);
    slowest.letGo();
    return true;
  };

  return {
    take: (letGo) => {
      if (holders.size >= most && !evict()) return undefined;
      const holder: Holder = { since: Infinity, letGo };
      holders.add(holder);
      return {
        waits: () => void (holder.since = performance.now()),
        goesOn: () => {
          holder.since = Infinity;
          return holders.has(holder);
        },
        end: () => void holders.delete(holder),
      };
    },
    turn: (signal) => slots.take("", signal),
  };
};
