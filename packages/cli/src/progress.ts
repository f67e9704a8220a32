import cliProgress from "cli-progress";
import { clock, humanSize } from "./human.ts";
import { printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";

/** Shows how far a transfer is. */
export interface Progress {
  readonly advance: (bytes: number) => void;
  /** A recursive transfer finds out its size while it runs. */
  readonly grow: (bytes: number) => void;
  readonly stop: () => void;
}

const silent: Progress = {
  advance: () => undefined,
  grow: () => undefined,
  stop: () => undefined,
};

/** How long a transfer runs, in milliseconds, before it is worth a bar. */
const patience = 1000;

const bar = (share: number, width: number): string => {
  const full = Math.round(share * width);
  return "█".repeat(full) + "░".repeat(width - full);
};

/**
 * Begins a bar with rate and ETA on stderr, which appears only if the transfer takes longer than a second and stderr is a
 * terminal. `total` in bytes, undefined where unknown.
 */
export const startProgress = (
  io: Terminal,
  title: string,
  total: number | undefined,
  quiet: boolean,
): Progress => {
  if (!io.isTTY.stderr || quiet) return silent;
  const started = Date.now();
  let done = 0;
  let whole = total;
  const label = printable(title);
  const format = (): string => {
    const seconds = (Date.now() - started) / 1000;
    const rate = seconds > 0 ? done / seconds : 0;
    const speed = `${humanSize(rate)}/s`;
    if (whole === undefined) return `${label}  ${humanSize(done)}  ${speed}`;
    const share = whole === 0 ? 1 : Math.min(1, done / whole);
    const left = rate > 0 ? clock((whole - done) / rate) : "--:--";
    const percent = `${Math.floor(share * 100)}%`.padStart(4);
    return `${label}  ${bar(share, 24)} ${percent}  ${humanSize(done)} of ${humanSize(whole)}  ${speed}  ETA ${left}`;
  };
  const single = new cliProgress.SingleBar({
    format,
    stream: io.stderr,
    hideCursor: true,
    clearOnComplete: true,
    noTTYOutput: true,
    // It would listen to signals of the process, which are not this run's.
    gracefulExit: false,
    fps: 8,
    linewrap: false,
  });
  let shown = false;
  const timer = setTimeout(() => {
    shown = true;
    single.start(whole ?? 0, done);
  }, patience);
  return {
    advance: (bytes) => {
      done += bytes;
      if (shown) single.update(done);
    },
    grow: (bytes) => {
      whole = (whole ?? 0) + bytes;
      if (shown) single.setTotal(whole);
    },
    stop: () => {
      clearTimeout(timer);
      if (shown) single.stop();
    },
  };
};
