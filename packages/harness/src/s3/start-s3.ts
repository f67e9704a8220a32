import { spawn } from "node:child_process";
import { mkdir, open, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { waitFor } from "../wait-for.ts";
import type { S3Kind } from "./install.ts";
import { runProgram } from "./run-program.ts";

/** How an S3 server is reached. */
export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface StartOptions {
  readonly program: string;
  /** Its data, its log and its pid; the same folder brings the same data back. */
  readonly folder: string;
  /** Where the server can say one; `eu-test-1` by default. */
  readonly region?: string;
  /** The ports of an earlier start, so that it is found where it was. */
  readonly ports?: readonly number[];
}

export interface StartedS3 extends S3Access {
  readonly kind: S3Kind;
  readonly pid: number;
  readonly ports: readonly number[];
}

const accessKeyId = "bulkhead-tests";
const secretAccessKey = "no-secret-of-any-use";

/** Other keys that the test servers which know more than one user accept, to change over to: SeaweedFS. */
export const spareKeys = {
  accessKeyId: "bulkhead-tests-spare",
  secretAccessKey: "another-secret-of-no-use",
} as const;

/** How many ports each server takes, the first for S3. */
const portsOf: Readonly<Record<S3Kind, number>> = { seaweedfs: 8, versitygw: 1 };

const flags = (all: Readonly<Record<string, string | number>>): readonly string[] =>
  Object.entries(all).map(([name, value]) => `-${name}=${value}`);

const commands: Readonly<
  Record<S3Kind, (folder: string, ports: readonly number[], region: string) => readonly string[]>
> = {
  seaweedfs: (folder, [s3 = 0, s3Grpc = 0, master = 0, masterGrpc = 0, ...more]) => [
    "server",
    ...flags({
      dir: join(folder, "data"),
      ip: "127.0.0.1",
      "ip.bind": "127.0.0.1",
      "master.port": master,
      "master.port.grpc": masterGrpc,
      "master.electionTimeout": "1s",
      "master.heartbeatInterval": "100ms",
      "master.volumeSizeLimitMB": 256,
      "master.telemetry": "false",
      "volume.port": more[0] ?? 0,
      "volume.port.grpc": more[1] ?? 0,
      // Each bucket has volumes of its own.
      "volume.max": 500,
      filer: "true",
      "filer.port": more[2] ?? 0,
      "filer.port.grpc": more[3] ?? 0,
      s3: "true",
      "s3.port": s3,
      "s3.port.grpc": s3Grpc,
      "s3.port.iceberg": 0,
      "s3.port.lance": 0,
      "s3.iam": "false",
      "s3.autoCreateBucket": "false",
      "s3.config": join(folder, "identities.json"),
    }),
  ],
  versitygw: (folder, [port = 0], region) => [
    "--port",
    `127.0.0.1:${port}`,
    "--region",
    region,
    "posix",
    join(folder, "data"),
  ],
};

const identities = {
  identities: [
    {
      name: "tests",
      credentials: [
        { accessKey: accessKeyId, secretKey: secretAccessKey },
        { accessKey: spareKeys.accessKeyId, secretKey: spareKeys.secretAccessKey },
      ],
      actions: ["Admin", "Read", "List", "Tagging", "Write"],
    },
  ],
};

/** Starts a server that outlives this process, and resolves once it answers. End it with `stopS3`. */
export async function startS3(kind: S3Kind, options: StartOptions): Promise<StartedS3> {
  const { program, folder, region = "eu-test-1" } = options;
  await mkdir(join(folder, "data"), { recursive: true });
  await writeFile(join(folder, "identities.json"), JSON.stringify(identities), { mode: 0o600 });
  const ports = options.ports ?? (await freePorts(portsOf[kind]));
  await writeFile(join(folder, "ports"), ports.join(" "));
  const log = await open(join(folder, "log"), "a");
  const child = spawn(program, commands[kind](folder, ports, region), {
    cwd: folder,
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    env: { ...process.env, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
  });
  child.unref();
  await log.close();
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} could not be started.`);
  await writeFile(join(folder, "pid"), String(pid));
  const endpoint = `http://127.0.0.1:${ports[0] ?? 0}`;
  try {
    await waitFor(() => answers(endpoint, child.exitCode), { timeout: 60_000, interval: 50 });
  } catch (cause) {
    const said = await readFile(join(folder, "log"), "utf8");
    await stopS3(folder);
    throw new Error(`The S3 server ${program} does not answer:\n${said.slice(-2000)}`, { cause });
  }
  return { kind, endpoint, region, accessKeyId, secretAccessKey, pid, ports };
}

/** True once it refuses who has no key, as S3 does; what listens without knowing its keys says otherwise. */
const answers = async (endpoint: string, exitCode: number | null): Promise<boolean> => {
  if (exitCode !== null) throw new Error(`It ended with ${exitCode}.`);
  const response = await fetch(endpoint, { signal: AbortSignal.timeout(2000) });
  await response.arrayBuffer();
  return response.status === 403;
};

/** Kills the server of a folder and waits until it is gone; nothing happens if there is none. */
export async function stopS3(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, "pid"), "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid <= 0) return;
  // The pid of a server that ended may be somebody else's by now.
  while ((await commandOf(pid)).includes(folder)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      break;
    }
    await sleep(20);
  }
  await removeSockets(folder);
  await rm(join(folder, "pid"), { force: true });
}

const commandOf = (pid: number): Promise<string> =>
  runProgram("ps", ["-o", "command=", "-p", String(pid)], { timeout: 10_000 }).catch(() => "");

/** SeaweedFS names its sockets by its ports, in a folder that is not ours, and leaves them when it is killed. */
const removeSockets = async (folder: string): Promise<void> => {
  const ports = (await readFile(join(folder, "ports"), "utf8").catch(() => "")).split(" ");
  for (const name of await readdir("/tmp")) {
    const port = /^seaweedfs-[a-z-]+-(\d+)\.sock$/.exec(name)?.[1];
    if (port !== undefined && ports.includes(port)) await rm(join("/tmp", name), { force: true });
  }
};

const freePorts = async (count: number): Promise<readonly number[]> => {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
};
