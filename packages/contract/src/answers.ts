import { FileError } from "./error.ts";

/** The one answer for everything that a key can never reach, whether it exists or not. */
export const outsideWorkspace = (): FileError =>
  new FileError("outside-workspace", "This path lies outside the workspace of the key.");

/** The one answer for a key that is missing, unknown, revoked or expired, or whose tenant is gone. */
export const unauthenticated = (): FileError =>
  new FileError("unauthenticated", "Send a valid key: 'Authorization: Bearer <key>'.");
