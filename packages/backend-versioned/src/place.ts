import { type BackendPath, parseBackendPath } from "@bulkhead/contract";

/** Where the bytes of a blob lie in the content storage: spread over directories, so that none grows too long. */
export const placeOf = (blob: string): BackendPath =>
  parseBackendPath(`${blob.slice(0, 2)}/${blob}`);

/** The name of a blob: a UUID in lower case. */
export const blobName: RegExp = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
