import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { median } from "../measure.ts";
import { type Bench, most } from "../row.ts";
import { residentOf } from "../served.ts";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const main = at("../../packages/cli/dist/main.js");
const idleMs = 10_000;

/** Starts what `npm start` starts, with a PostgreSQL of its own in `dataDir`: the seconds until it answers, and its idle memory. */
const started = async (
  dataDir: string,
  idle: boolean,
): Promise<{ readonly seconds: number; readonly memory: number }> => {
  const begun = performance.now();
  const server = spawn(process.execPath, [main, "serve", "--port", "0", "--data-dir", dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(server, "exit");
  try {
    let url: string | undefined;
    for await (const line of createInterface({ input: server.stdout })) {
      url = /^listening on (\S+)$/.exec(line)?.[1];
      if (url !== undefined) break;
    }
    const { status } = await fetch(`${url}/health`);
    if (status !== 200) throw new Error(`Answered ${status}.`);
    const seconds = (performance.now() - begun) / 1000;
    if (idle) await sleep(idleMs);
    return { seconds, memory: (await residentOf(server.pid ?? 0)) / 1024 / 1024 };
  } finally {
    server.kill("SIGTERM");
    await ended;
  }
};

/** From the command to the first answer, on a new data folder and on one that was there, and the memory of a server that does nothing. */
export const start: Bench = {
  name: "start",
  run: async ({ rounds }) => {
    const built = spawnSync(process.execPath, [at("../../node_modules/typescript/bin/tsc"), "-b"], {
      cwd: at("../.."),
      stdio: "inherit",
    });
    if (built.status !== 0) throw new Error("It does not compile.");
    const first: number[] = [];
    const warm: number[] = [];
    const memory: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const dataDir = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
      try {
        first.push((await started(dataDir, false)).seconds);
        const again = await started(dataDir, true);
        warm.push(again.seconds);
        memory.push(again.memory);
      } finally {
        await rm(dataDir, { recursive: true, force: true });
      }
    }
    return [
      { name: "ready, first start", unit: "s", value: median(first), goals: [most(5)] },
      { name: "ready, warm start", unit: "s", value: median(warm), goals: [most(2)] },
      { name: "memory of an idle server", unit: "MiB", value: median(memory), goals: [most(150)] },
    ];
  },
};
