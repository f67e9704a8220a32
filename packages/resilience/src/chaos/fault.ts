import type { Operation } from "@bulkhead/contract";

/**
 * What a storage may do to a call. `before`: nothing has happened. `commit`: the commit was granted, and then nothing
 * happened. `after`: the effect stands, or half of a reading was sent. A hang never answers, not even to its signal.
 */
export type Fault =
  | "latency"
  | "unavailable-before"
  | "unavailable-commit"
  | "unavailable-after"
  | "reset-before"
  | "reset-after"
  | "hang-before"
  | "hang-after"
  /** The content ends early, as if it were whole. */
  | "short-read"
  /** Half of the content is stored, and answered as a success. */
  | "torn-write"
  /** The ETag that is answered is no file's. */
  | "wrong-etag"
  /** One bit of the content is another one on its way, in or out. */
  | "bit-flip"
  /** The disk is full half-way through the content. */
  | "disk-full";

const asking = [
  "latency",
  "unavailable-before",
  "reset-before",
  "hang-before",
  "wrong-etag",
] as const satisfies readonly Fault[];
const changing = [
  "latency",
  "unavailable-before",
  "unavailable-commit",
  "unavailable-after",
  "reset-before",
  "reset-after",
  "hang-before",
  "hang-after",
] as const satisfies readonly Fault[];

/** Every fault that an operation can meet; another one asked for is not injected. */
export const faultsOf: Readonly<Record<Operation, readonly Fault[]>> = {
  stat: asking,
  list: asking,
  read: [...asking, "reset-after", "hang-after", "short-read", "bit-flip"],
  write: [...changing, "torn-write", "wrong-etag", "bit-flip", "disk-full"],
  mkdir: [...changing, "disk-full"],
  remove: changing,
  copy: [...changing, "wrong-etag", "disk-full"],
  move: [...changing, "disk-full"],
};
