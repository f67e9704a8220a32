import { execFile } from "node:child_process";
import { chmod, chown, lchown, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { FileError } from "@bulkhead/contract";
import type { Binaries } from "./binaries.ts";

const run = promisify(execFile);

/**
 * Whom PostgreSQL runs as; it refuses to be root. `uid` and `gid` own its files as seen from here.
 * `mapped` is the user that root is taken for inside a user namespace of its own.
 */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly change: boolean;
  readonly mapped?: number;
}

/** A program with its arguments and the identity to start it with. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly identity: { readonly uid?: number; readonly gid?: number };
}

/** Restates a program so that it runs as that account. */
export function commandAs(account: Account, file: string, args: readonly string[]): Command {
  if (account.mapped !== undefined) {
    const map = ["--user", `--map-user=${account.mapped}`, "--", file, ...args];
    return { file: "unshare", args: map, identity: {} };
  }
  const identity = account.change ? { uid: account.uid, gid: account.gid } : {};
  return { file, args, identity };
}

/**
 * Chooses whom PostgreSQL runs as, by trying: ourselves; as root the user `postgres`, else `nobody`;
 * else root itself under another number in a user namespace, which reaches what root owns, as in a
 * 0700 home. `unavailable`, with what to do, if none of them reaches programs and data folder.
 */
export async function chooseAccount(dataDir: string, binaries: Binaries): Promise<Account> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  if (uid !== 0) return { uid, gid, change: false };
  const users = (await Promise.all(["postgres", "nobody"].map(lookUp))).filter(
    (user) => user !== undefined,
  );
  for (const user of users) {
    if (await reachable(user, dataDir, binaries)) return user;
    if (await reachableByGroup(user, dataDir, binaries)) return user;
  }
  // initdb asks for the name of its user, so the number must be one that has a name.
  const mapped: Account = { uid, gid, change: false, mapped: users[0]?.uid ?? 65_534 };
  if (process.platform === "linux" && (await reachable(mapped, dataDir, binaries))) return mapped;
  throw new FileError(
    "unavailable",
    `PostgreSQL does not run as root, and the users postgres and nobody cannot reach both ${dataDir} and ${binaries.postgres}: ` +
      "start Bulkhead as another user, or move it out of root's home and give --data-dir /var/lib/bulkhead.",
    { retry: "never" },
  );
}

/** Gives a folder and all in it to the account, where its owner is another. */
export async function giveTo(account: Account, folder: string): Promise<void> {
  if ((await stat(folder)).uid === account.uid) return;
  for (const entry of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, entry), account.uid, account.gid);
  }
  // Last, so that a folder whose owner is right is right throughout.
  await chown(folder, account.uid, account.gid);
}

async function lookUp(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout), change: true };
  } catch {
    return undefined;
  }
}

// Starting the program is the test of the program: it needs its libraries as well.
async function reachable(account: Account, dataDir: string, binaries: Binaries): Promise<boolean> {
  const script = 'test -x "$1" && "$2" --version && "$3" --version';
  const shell = ["-c", script, "sh", dataDir, binaries.postgres, binaries.initdb];
  const command = commandAs(account, "/bin/sh", shell);
  try {
    await run(command.file, command.args, { cwd: "/", ...command.identity });
    return true;
  } catch {
    return false;
  }
}

/** Lets the user's group pass through a data folder that is root's alone, and takes it back if that does not help. */
async function reachableByGroup(
  account: Account,
  dataDir: string,
  binaries: Binaries,
): Promise<boolean> {
  const before = await stat(dataDir);
  if (before.uid !== 0 || before.gid !== 0 || (before.mode & 0o011) !== 0) return false;
  await chown(dataDir, 0, account.gid);
  await chmod(dataDir, (before.mode & 0o7777) | 0o010);
  if (await reachable(account, dataDir, binaries)) return true;
  await chmod(dataDir, before.mode & 0o7777);
  await chown(dataDir, 0, 0);
  return false;
}
