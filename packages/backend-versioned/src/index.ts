export * from "./collect.ts";
export { copyBlob } from "./copy-blob.ts";
export { type FrameRoom, frameRoom } from "./frame-room.ts";
export type * from "./ledger-commit.ts";
export * from "./scrub.ts";
export { versioned, type VersionedBackend, type VersionedOptions } from "./versioned.ts";
