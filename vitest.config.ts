import { defineConfig } from "vitest/config";
import { LongFirst } from "./scripts/long-first.ts";

const conditions = ["bulkhead-source", "node", "import", "module", "default"];

export default defineConfig({
  resolve: { conditions },
  // vitest hands these to the workers' Node: with "import" among them, require() of pg's parts would get modules.
  ssr: { resolve: { conditions: ["bulkhead-source", "node"] } },
  // The one in which globalSetup runs.
  environments: { __vitest__: { resolve: { conditions } } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    globalSetup: ["packages/harness/src/global-setup.ts"],
    // A process a file, so that a file may start and kill what it likes; three keep two cores busy while some wait.
    pool: "forks",
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
