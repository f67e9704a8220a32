import { join } from "node:path";
import { defineConfig, type Plugin } from "vitest/config";
import { areas } from "./areas.ts";
import { mutatedSources, root } from "./sources.ts";

const sources = new Map(mutatedSources().map(({ file, code }) => [join(root, file), code]));
const tests = new Set(areas.flatMap((area) => area.tests.map((file) => join(root, file))));

/** Gives modules their changes, and tests the collector instead of vitest. */
const mutation: Plugin = {
  name: "mutation",
  enforce: "pre",
  resolveId: (source, importer) =>
    source === "vitest" && importer !== undefined && tests.has(importer)
      ? join(root, "scripts/mutation/collect.ts")
      : undefined,
  transform: (_code, id) => {
    const code = sources.get(id);
    return code === undefined ? undefined : { code, map: null };
  },
};

export default defineConfig({
  root,
  resolve: { conditions: ["bulkhead-source", "node", "import", "module", "default"] },
  ssr: { resolve: { conditions: ["bulkhead-source", "node"] } },
  plugins: [mutation],
  test: {
    include: ["scripts/mutation/driver.ts"],
    testTimeout: 3_600_000,
    // What a changed module leaves behind is its own.
    dangerouslyIgnoreUnhandledErrors: true,
  },
});
