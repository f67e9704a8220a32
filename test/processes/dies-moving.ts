import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "@bulkhead/server";

/**
 * A real server that ends here and now, as by the kernel, at each step of a tenant's move that no server of its data
 * folder ended at before.
 */
const [config = "", dataDir = "", databaseUrl = ""] = process.argv.slice(2);

const first = (step: string): boolean => {
  try {
    writeFileSync(join(dataDir, `died-${step}`), "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
};

const sleeper = new Int32Array(new SharedArrayBuffer(4));

const said = (line: string): void => {
  process.stderr.write(`${line}\n`);
  const step = /"event":"tenant-move".*"step":"([a-z-]+)"/.exec(line)?.[1];
  if (step === undefined || step === "undone") return;
  if (first(step)) process.kill(process.pid, "SIGKILL");
  // Whoever serves beside this process stores more meanwhile, so that it is never done at once.
  if (step === "caught-up") Atomics.wait(sleeper, 0, 0, 100);
};

await serve(
  {
    port: 0,
    config,
    dataDir,
    databaseUrl,
    platformKey: process.env["BULKHEAD_PLATFORM_KEY"],
    masterKey: process.env["BULKHEAD_MASTER_KEY"],
  },
  { out: (line) => process.stdout.write(`${line}\n`), err: said },
);
