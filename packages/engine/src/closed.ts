import { type Backend, FileError } from "@bulkhead/contract";
import { lazy } from "@bulkhead/resilience";

/** Keeps the place of a mount that cannot be opened, and says why. */
export const closed = (why: string): Backend =>
  lazy({ scheme: "none", open: () => Promise.reject(new FileError("unavailable", why)) });
