import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isFileError } from "@bulkhead/contract";
import { lockDataDir } from "@bulkhead/ledger";
import { install, installed, type S3Kind, s3Kinds } from "./install.ts";
import { onPath } from "./run-program.ts";
import { type S3Access, type StartedS3, startS3, stopS3 } from "./start-s3.ts";

/** A server of the run, shared by its tests: each makes itself a bucket. */
export interface TestS3 extends S3Access {
  readonly name: string;
}

/** The S3 servers of a run, or why there is none. */
export interface TestS3s {
  readonly servers: readonly TestS3[];
  /** Why tests that need one are skipped. */
  readonly reason: string | undefined;
}

let all: Promise<TestS3s> | undefined;

/**
 * The S3 servers to test against: the endpoint of BULKHEAD_TEST_S3_ENDPOINT; else servers of the run's own, which its
 * first test to ask for them starts, from PATH or installed into a cache folder. BULKHEAD_TEST_S3 names which:
 * `seaweedfs` (by default), `versitygw` or `both`. Where there is none, tests are skipped with the reason; with
 * `CI=true` this rejects.
 */
export function testS3(): Promise<TestS3s> {
  return (all ??= find());
}

async function find(): Promise<TestS3s> {
  const given = endpointOf(process.env);
  if (given !== undefined) return { servers: [given], reason: undefined };
  try {
    return { servers: await Promise.all(wantedKinds().map(shared)), reason: undefined };
  } catch (cause) {
    if (process.env["CI"] === "true") throw cause;
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    return { servers: [], reason: `no S3 server: ${reason}` };
  }
}

const endpointOf = (env: NodeJS.ProcessEnv): TestS3 | undefined => {
  const endpoint = env["BULKHEAD_TEST_S3_ENDPOINT"] ?? "";
  if (endpoint === "") return undefined;
  return {
    name: "endpoint",
    endpoint,
    region: env["BULKHEAD_TEST_S3_REGION"] ?? "us-east-1",
    accessKeyId: env["BULKHEAD_TEST_S3_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["BULKHEAD_TEST_S3_SECRET_ACCESS_KEY"] ?? "",
  };
};

const wantedKinds = (): readonly S3Kind[] => {
  const named = process.env["BULKHEAD_TEST_S3"] ?? "";
  if (named === "both") return ["seaweedfs", "versitygw"];
  if (named === "" || named === "seaweedfs") return ["seaweedfs"];
  if (named === "versitygw") return ["versitygw"];
  throw new Error(`BULKHEAD_TEST_S3 is seaweedfs, versitygw or both, not '${named}'.`);
};

/** The program of a server: on PATH, in the cache folder, or installed there. */
async function s3Program(kind: S3Kind): Promise<string> {
  return (await onPath(s3Kinds[kind])) ?? installed(kind) ?? (await install(kind));
}

/** Gets the programs ready that tests will ask for, if there are any to get. */
export async function prepareS3(): Promise<void> {
  if (endpointOf(process.env) === undefined) await Promise.all(wantedKinds().map(s3Program));
}

const folderOf = (dataDir: string): string => join(dataDir, "s3");

/** Finds the run's own server, which another process may have started, or starts it. */
const shared = async (kind: S3Kind): Promise<TestS3> => {
  const dataDir = process.env["BULKHEAD_TEST_DATA_DIR"];
  if (dataDir === undefined)
    throw new Error("There is no S3 server: run vitest with the repository's vitest.config.ts.");
  const program = await s3Program(kind);
  const folder = join(folderOf(dataDir), kind);
  const file = join(folder, "access.json");
  await mkdir(folder, { recursive: true });
  while (!existsSync(file)) {
    try {
      const starting = await lockDataDir(join(folder, "starting"));
      try {
        if (existsSync(file)) break;
        const access: TestS3 = { ...(await startS3(kind, { program, folder })), name: kind };
        await writeFile(`${file}.part`, JSON.stringify(access));
        await rename(`${file}.part`, file);
      } finally {
        await starting.release();
      }
    } catch (error) {
      if (!isFileError(error, "conflict")) throw error;
      await sleep(50);
    }
  }
  const access: TestS3 = JSON.parse(await readFile(file, "utf8"));
  return access;
};

/** Ends the servers that tests of a run shared. */
export async function removeS3(dataDir: string): Promise<void> {
  const folder = folderOf(dataDir);
  if (!existsSync(folder)) return;
  for (const kind of await readdir(folder)) await stopS3(join(folder, kind));
}

/** A server of one test alone, to be killed and started again. */
export interface OwnS3 extends S3Access, AsyncDisposable {
  readonly kind: S3Kind;
  readonly kill: () => Promise<void>;
  /** Starts it again, where it was and with what it had. */
  readonly restart: () => Promise<void>;
}

/** Starts a server in `folder` for a test that kills it, or lets it say another region. */
export async function ownS3(kind: S3Kind, folder: string, region?: string): Promise<OwnS3> {
  const program = await s3Program(kind);
  const start = (ports?: readonly number[]): Promise<StartedS3> =>
    startS3(kind, { program, folder, ...(region && { region }), ...(ports && { ports }) });
  const first = await start();
  return {
    ...first,
    kill: () => stopS3(folder),
    restart: async () => void (await start(first.ports)),
    [Symbol.asyncDispose]: () => stopS3(folder),
  };
}
