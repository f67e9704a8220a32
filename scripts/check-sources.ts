// Checks what no compiler or linter does: arrows between packages, casts of paths, length of files, the lock file.
// Prints one line a fault.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkArrows } from "./check/check-arrows.ts";
import { checkCasts } from "./check/check-casts.ts";
import { checkLength } from "./check/check-length.ts";
import { checkRegistry } from "./check/check-registry.ts";
import { keysOf, readObject, readPackages } from "./check/read-packages.ts";
import { readSources } from "./check/source.ts";

const root = join(import.meta.dirname, "..");
const packages = readPackages(root);
const sources = packages.flatMap((facts) => facts.sources);
const rootDependencies = keysOf(readObject(join(root, "package.json")), "devDependencies");
const faults = [
  ...checkArrows(packages, rootDependencies),
  ...[...sources, ...readSources(root, "test")].flatMap(checkCasts),
  ...[...sources, ...readSources(root, "scripts")].flatMap(checkLength),
  ...checkRegistry("package-lock.json", readFileSync(join(root, "package-lock.json"), "utf8")),
];
for (const fault of faults) process.stdout.write(`${fault}\n`);
process.exit(faults.length === 0 ? 0 : 1);
