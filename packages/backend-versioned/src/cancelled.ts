import { FileError } from "@bulkhead/contract";

/** Throws `aborted` once the signal is. */
export const checkSignal = (signal: AbortSignal): void => {
  if (signal.aborted)
    throw new FileError("aborted", "The request was cancelled.", { cause: signal.reason });
};

/** Settles like `work`, or rejects with `aborted` as soon as the signal is, even if `work` never ends. */
export const orCancelled = async <T>(signal: AbortSignal, work: Promise<T>): Promise<T> => {
  checkSignal(signal);
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => {
    try {
      checkSignal(signal);
    } catch (error) {
      reject(error);
    }
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
};
