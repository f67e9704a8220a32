import { FileError } from "@bulkhead/contract";

/** What a store answered, or that it did not. */
export interface Fault {
  readonly name: string;
  /** The status of the answer; undefined where none came. */
  readonly status: number | undefined;
}

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

/** Reads what the SDK threw. */
export const faultOf = (error: unknown): Fault => {
  const name = propertyOf(error, "name");
  const status = propertyOf(propertyOf(error, "$metadata"), "httpStatusCode");
  return {
    name: typeof name === "string" ? name : "",
    status: typeof status === "number" ? status : undefined,
  };
};

/** A header of the answer that an error came with. */
export const headerOf = (error: unknown, header: string): string | undefined => {
  const value = propertyOf(propertyOf(propertyOf(error, "$response"), "headers"), header);
  return typeof value === "string" ? value : undefined;
};

/** True for what the store says is not there; not for a bucket that is not. */
export const isMissing = (error: unknown): boolean => {
  const { name, status } = faultOf(error);
  return status === 404 && name !== "NoSuchBucket";
};

/** True for a condition that did not hold; one on what is not there is answered in either way. */
export const isRefused = (error: unknown): boolean => {
  const { name, status } = faultOf(error);
  return status === 412 || (status === 404 && name === "NoSuchKey");
};

/** True where the store may have done what it was asked, or may yet: it answered nothing, or that it failed. */
export const isAmbiguous = (error: unknown): boolean => {
  const { status } = faultOf(error);
  // A copy, and the completion of an upload, may begin their answer with 200 and fail behind it.
  return status === undefined || status < 300 || status >= 500 || status === 408;
};

const answers: Readonly<Record<string, () => FileError>> = {
  EntityTooLarge: () => new FileError("too-large", "The storage takes no file of that size."),
  MetadataTooLarge: () =>
    new FileError("invalid-request", "The storage takes less metadata, about 2 KB of it."),
  KeyTooLongError: () => new FileError("invalid-path", "The storage takes no path of that length."),
};

/** What a caller is told of an error. A `FileError` is told as it is; no name of the store's is passed on. */
export const answerFor = (error: unknown, signal?: AbortSignal): FileError => {
  if (error instanceof FileError) return error;
  if (signal?.aborted === true)
    return new FileError("aborted", "The request was cancelled.", { cause: error });
  const { name, status } = faultOf(error);
  const known = answers[name];
  if (known !== undefined) return known();
  if (status === 409)
    return new FileError("conflict", "The file is being changed by somebody else; try again.", {
      cause: error,
    });
  if (status === 401 || status === 403 || name === "NoSuchBucket")
    return new FileError("unavailable", "The storage does not let this server in.", {
      retry: "never",
      cause: error,
    });
  return new FileError("unavailable", "The storage did not answer as it should.", { cause: error });
};
