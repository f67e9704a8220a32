import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** After so many bytes of bodies the young generation is collected. */
const everyBytes = 24 * 1024 * 1024;

// Made with the first long body; undefined where this runtime offers none.
let collect: (() => void) | undefined;
const collector = (): (() => void) => {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  return typeof gc === "function" ? () => void gc({ type: "minor" }) : () => undefined;
};

let passed = 0;

/**
 * Counts bytes of bodies that this process is done with, and has their buffers freed now and then. They lie outside of
 * V8's heap and hardly count in its decision when to collect: left to itself it keeps some 64 MiB of them.
 */
export const bytesPassed = (bytes: number): void => {
  passed += bytes;
  if (passed < everyBytes) return;
  passed = 0;
  collect ??= collector();
  collect();
};
