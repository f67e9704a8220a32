import { parseVirtualPath, type VirtualPath } from "@bulkhead/contract";

/** Makes a path of names, or undefined if it has grown too long to be one: then no request can name it. */
export const joinPath = (names: readonly string[]): VirtualPath | undefined => {
  try {
    return parseVirtualPath(`/${names.join("/")}`);
  } catch {
    return undefined;
  }
};
