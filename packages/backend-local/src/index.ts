export type { LocalBackend, LocalOptions } from "./local.ts";
export { local } from "./local.ts";
export type { ListingBounds } from "./listings.ts";
export { readMarker } from "./marker.ts";
export { nodeFileSystem } from "./node-file-system.ts";
export type {
  DirectoryEntry,
  FileHandlePort,
  FileKind,
  FileStat,
  FileSystemPort,
  OpenAs,
} from "./port.ts";
