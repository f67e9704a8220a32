import { RemoteFS } from "./remote-fs.ts";

/** `RemoteFS` under the name that users of Nexus know. */
export const RemoteNexusFS: typeof RemoteFS = RemoteFS;
export type RemoteNexusFS = RemoteFS;
