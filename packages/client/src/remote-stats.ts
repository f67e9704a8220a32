import type { FileStat } from "@bulkhead/wire";

/**
 * A file or directory: the fields of `/v1` (`path` as the caller addressed it, `etag` without quotes, times as RFC 3339),
 * and the questions that `Stats` and `Dirent` of `node:fs` answer.
 */
export class RemoteStats implements FileStat {
  readonly path: string;
  readonly name: string;
  readonly kind: "file" | "directory";
  /** In bytes; 0 for a directory. */
  readonly size: number;
  readonly etag: string | null;
  readonly contentType: string | null;
  readonly createdAt: string | null;
  readonly modifiedAt: string;
  readonly version: string | null;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(stat: FileStat) {
    this.path = stat.path;
    this.name = stat.name;
    this.kind = stat.kind;
    this.size = stat.size;
    this.etag = stat.etag;
    this.contentType = stat.contentType;
    this.createdAt = stat.createdAt;
    this.modifiedAt = stat.modifiedAt;
    this.version = stat.version;
    this.metadata = stat.metadata;
  }

  isFile(): boolean {
    return this.kind === "file";
  }

  isDirectory(): boolean {
    return this.kind === "directory";
  }

  get mtime(): Date {
    return new Date(this.modifiedAt);
  }

  get mtimeMs(): number {
    return this.mtime.getTime();
  }

  /** The directory that holds it. */
  get parentPath(): string {
    return this.path.slice(0, Math.max(1, this.path.lastIndexOf("/")));
  }
}
