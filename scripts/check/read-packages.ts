import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { PackageFacts } from "./check-arrows.ts";
import { readSources } from "./source.ts";

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads a JSON file that holds an object. Throws if it does not. */
export const readObject = (file: string): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!isRecord(value)) throw new Error(`${file} holds no object`);
  return value;
};

/** The keys of an object's property that is an object; none if it is missing. */
export const keysOf = (
  object: Readonly<Record<string, unknown>>,
  property: string,
): readonly string[] => {
  const value = object[property];
  return isRecord(value) ? Object.keys(value) : [];
};

interface Project {
  readonly references: readonly string[];
  readonly types: readonly unknown[];
}

const readProject = (folder: string, file: string): Project | undefined => {
  if (!existsSync(join(folder, file))) return undefined;
  const { references, compilerOptions } = readObject(join(folder, file));
  const types = isRecord(compilerOptions) ? compilerOptions["types"] : undefined;
  return {
    references: (Array.isArray(references) ? references : []).flatMap((reference: unknown) =>
      isRecord(reference) && typeof reference["path"] === "string" && reference["path"] !== "."
        ? [basename(reference["path"])]
        : [],
    ),
    types: Array.isArray(types) ? types : [],
  };
};

/** Reads what the checks need of each package in `packages/`. */
export const readPackages = (root: string): readonly PackageFacts[] =>
  readdirSync(join(root, "packages"))
    .filter((folder) => existsSync(join(root, "packages", folder, "package.json")))
    .map((folder) => {
      const at = join(root, "packages", folder);
      const manifest = readObject(join(at, "package.json"));
      const project = readProject(at, "tsconfig.json");
      return {
        folder,
        name: String(manifest["name"]),
        dependencies: ["dependencies", "optionalDependencies", "peerDependencies"].flatMap((kind) =>
          keysOf(manifest, kind),
        ),
        devDependencies: keysOf(manifest, "devDependencies"),
        references: project?.references ?? [],
        testReferences: readProject(at, "tsconfig.test.json")?.references,
        hasNodeTypes: project?.types.includes("node") ?? false,
        sources: readSources(root, `packages/${folder}/src`),
      };
    });
