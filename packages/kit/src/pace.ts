import { FileError } from "@bulkhead/contract";

/** Throws `aborted`, or `timeout` where the signal is a deadline's, once `signal` has fired. */
export const checkSignal = (signal: AbortSignal): void => {
  if (!signal.aborted) return;
  const late = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
  throw late
    ? new FileError("timeout", "The time for this operation is over; narrow it and try again.")
    : new FileError("aborted", "The operation was cancelled.");
};

/**
 * Makes a function to await between small pieces of work: it lets others run after each 2 ms and throws as
 * `checkSignal` does.
 */
export const pacer = (signal: AbortSignal): (() => Promise<void>) => {
  let since = performance.now();
  return async () => {
    checkSignal(signal);
    if (performance.now() - since < 2) return;
    await new Promise<void>((resume) => setTimeout(resume, 0));
    since = performance.now();
    checkSignal(signal);
  };
};
