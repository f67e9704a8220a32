import { type Backend, FileError, type Layer } from "@bulkhead/contract";
import { overrideBackend } from "@bulkhead/kit";

/** Refuses every change with `forbidden`, before the storage is asked. */
export const readOnly: Layer<Backend> = (inner) => {
  const refuse = (): Promise<never> =>
    Promise.reject(new FileError("forbidden", "This part of the tree is mounted read-only."));
  return overrideBackend(inner, {
    write: refuse,
    mkdir: refuse,
    remove: refuse,
    copy: refuse,
    move: refuse,
    ...(inner.restore && { restore: refuse }),
  });
};
