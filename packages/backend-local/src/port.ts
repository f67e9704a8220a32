/** What a directory entry is. `other` is everything that is not served: links, FIFOs, sockets, devices. */
export type FileKind = "file" | "directory" | "other";

/** What is asked of a file; sizes in bytes, times in nanoseconds since the epoch. */
export interface FileStat {
  readonly kind: FileKind;
  readonly ino: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly birthtimeNs: bigint;
}

/** `name` is undefined where the bytes on disk are not UTF-8: no path can name such an entry. */
export interface DirectoryEntry {
  readonly name: string | undefined;
  readonly kind: FileKind;
}

/** `read` and `directory` open what exists, `update` for writing too, `create` only what does not exist yet. None follows a link. */
export type OpenAs = "read" | "directory" | "update" | "create";

/** An open file. Rejections carry the system's `code`. */
export interface FileHandlePort {
  readonly stat: () => Promise<FileStat>;
  /** Answers how many bytes were read; 0 at the end. */
  readonly read: (into: Uint8Array, position: number) => Promise<number>;
  /** Appends; answers how many bytes were written, which may be fewer than given. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Sets the modification time, in microseconds since the epoch. */
  readonly touch: (microseconds: number) => Promise<void>;
  readonly datasync: () => Promise<void>;
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Every call to the file system that this backend makes. A test can stand in for it; paths are absolute. */
export interface FileSystemPort {
  readonly realpath: (path: string) => Promise<string>;
  readonly lstat: (path: string) => Promise<FileStat>;
  readonly readdir: (path: string) => Promise<readonly DirectoryEntry[]>;
  readonly open: (path: string, as: OpenAs) => Promise<FileHandlePort>;
  readonly mkdir: (path: string, mode: number) => Promise<void>;
  readonly chmod: (path: string, mode: number) => Promise<void>;
  readonly rmdir: (path: string) => Promise<void>;
  readonly unlink: (path: string) => Promise<void>;
  readonly link: (from: string, to: string) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Copies to what must not exist, sharing blocks where the file system can. */
  readonly copyFile: (from: string, to: string) => Promise<void>;
  /** Removes a file or a whole tree, following no link; what is missing is gone already. */
  readonly rm: (path: string) => Promise<void>;
}
