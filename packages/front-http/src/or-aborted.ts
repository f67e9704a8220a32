import { FileError } from "@bulkhead/contract";

/** Settles as `promise` does, or rejects when `signal` aborts, whichever comes first. */
export const orAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(new FileError("aborted", "The connection is closed."));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
