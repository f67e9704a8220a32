import { mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Keeps compiled code between runs in `$XDG_CACHE_HOME/bulkhead/compile` (default `~/.cache`), because half of a short
 * command's time is compiling. The folder is the user's own: code out of a shared one would be anybody's. Where it
 * cannot be made, nothing is kept. `NODE_COMPILE_CACHE` and `NODE_DISABLE_COMPILE_CACHE` are Node's and go before.
 */
export const cacheCompiled = (): void => {
  try {
    const folder = join(
      process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"),
      "bulkhead",
      "compile",
    );
    // Made here and not left to Node, which tries for ever where a parent cannot be.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    enableCompileCache(folder);
  } catch {
    // It would only have been faster.
  }
};
