import { randomBytes } from "node:crypto";
import { lstat, open, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Finding } from "@bulkhead/contract";
import { type ExamineOptions, storagesOf } from "./examine-options.ts";

const mebibyte = 1024 * 1024;
const probeBytes = 65_536;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

/** Tries whether something can be stored: some bytes in a hidden file, which is taken away again. */
const probe = async (folder: string): Promise<string | undefined> => {
  const file = join(folder, `.bulkhead-doctor-${randomBytes(6).toString("hex")}`);
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(randomBytes(probeBytes));
      await handle.datasync();
    } finally {
      await handle.close();
    }
    return undefined;
  } catch (error) {
    return codeOf(error);
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
};

/** Where a folder may be written to without anybody seeing it: what is the server's own in it. */
const ownPart = async (folder: string, dataDir: string): Promise<string | undefined> => {
  if (folder === dataDir) return folder;
  const own = join(folder, ".bulkhead");
  return (await lstat(own).catch(() => undefined))?.isDirectory() === true ? own : undefined;
};

const room = (bytes: number): string =>
  bytes < 1024 * mebibyte
    ? `${Math.floor(bytes / mebibyte)} MiB`
    : `${(bytes / 1024 / mebibyte).toFixed(1)} GiB`;

const next =
  "Make room, or move the folder to a larger disk; until then writes answer 503 and reads go on.";

const examineOne = async (folder: string, dataDir: string): Promise<Finding> => {
  const check = "disk";
  const { bavail, blocks, bsize, files, ffree } = await statfs(folder);
  const [free, whole] = [bavail * bsize, blocks * bsize];
  const detail = `${room(free)} of ${room(whole)} are free on the disk of ${folder}`;
  const part = await ownPart(folder, dataDir);
  const refused = part === undefined ? undefined : await probe(part);
  if (refused === "ENOSPC" || refused === "EDQUOT" || free < probeBytes)
    return {
      check,
      state: "failed",
      detail: `The disk of ${folder} is full: ${room(free)} free.`,
      next,
    };
  if (files > 0 && ffree === 0)
    return { check, state: "failed", detail: `The disk of ${folder} has no inode left.`, next };
  if (refused === "EACCES" || refused === "EPERM")
    return {
      check,
      state: "skipped",
      detail: `This user may not write into ${folder}.`,
      next: "Run the command as the user that the server runs as.",
    };
  if (refused !== undefined)
    return {
      check,
      state: "failed",
      detail: `Nothing can be written into ${folder} (${refused}).`,
      next: "Look at the disk and how it is mounted: dmesg, mount.",
    };
  return free < Math.max(64 * mebibyte, Math.min(whole / 50, 5120 * mebibyte))
    ? { check, state: "warning", detail, next: "Make room before it is full." }
    : { check, state: "ok", detail };
};

/** Looks whether the disks that files go to have room, each disk once. */
export const examineDisks = async (options: ExamineOptions): Promise<readonly Finding[]> => {
  const folders = [
    options.dataDir,
    ...storagesOf(options).flatMap(({ spec }) => spec.options.root ?? []),
  ];
  const findings: Finding[] = [];
  const seen = new Set<number>();
  for (const folder of folders) {
    const there = await stat(folder).catch(() => undefined);
    if (there === undefined || seen.has(there.dev)) continue;
    seen.add(there.dev);
    findings.push(await examineOne(folder, options.dataDir));
  }
  return findings;
};
