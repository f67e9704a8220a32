import { homedir } from "node:os";
import { join } from "node:path";

/** Where programs that tests need are kept between runs: BULKHEAD_TEST_CACHE, else `bulkhead` in the user's cache folder. */
export function cacheFolder(): string {
  const own = process.env["BULKHEAD_TEST_CACHE"] ?? "";
  if (own !== "") return own;
  const shared = process.env["XDG_CACHE_HOME"] ?? "";
  return join(shared === "" ? join(homedir(), ".cache") : shared, "bulkhead");
}
