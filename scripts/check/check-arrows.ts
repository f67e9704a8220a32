import { isBuiltin } from "node:module";
import { forTests, type Room, rooms } from "./arrows.ts";
import { isTest, type Source } from "./source.ts";

/** What the check reads of one package. */
export interface PackageFacts {
  /** The package's folder below `packages/`, by which the table knows it. */
  readonly folder: string;
  readonly name: string;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
  /** Folders of referenced projects, its own excepted. */
  readonly references: readonly string[];
  /** Undefined where a package has no project for its tests. */
  readonly testReferences: readonly string[] | undefined;
  /** Whether the sources are compiled with Node's types. */
  readonly hasNodeTypes: boolean;
  readonly sources: readonly Source[];
}

/** `@scope/name/file` belongs to `@scope/name`. */
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

const difference = (left: readonly string[], right: readonly string[]): readonly string[] =>
  left.filter((item) => !right.includes(item));

/** Compares the projects a package depends on with those its compiler is told of. */
const checkReferences = (
  file: string,
  wanted: readonly string[],
  references: readonly string[],
): readonly string[] => [
  ...difference(wanted, references).map(
    (folder) => `${file}: has no reference to ${folder}, a dependency`,
  ),
  ...difference(references, wanted).map(
    (folder) => `${file}: refers to ${folder}, which is no dependency`,
  ),
];

const checkManifest = (
  facts: PackageFacts,
  room: Room,
  own: ReadonlyMap<string, string>,
): readonly string[] => {
  const foldersOf = (names: readonly string[]): readonly string[] =>
    names.flatMap((name) => own.get(name) ?? []);
  const at = `packages/${facts.folder}`;
  const dependencies = foldersOf(facts.dependencies);
  const devDependencies = foldersOf(facts.devDependencies);
  const inTests = [...room.mayImport, ...forTests, ...(room.testsMayImport ?? []), facts.folder];
  return [
    ...difference(dependencies, room.mayImport).map(
      (folder) => `${at}/package.json: depends on ${folder}, an arrow that is not in the table`,
    ),
    ...difference(devDependencies, inTests).map(
      (folder) =>
        `${at}/package.json: its tests depend on ${folder}, an arrow that is not in the table`,
    ),
    ...checkReferences(`${at}/tsconfig.json`, dependencies, facts.references),
    ...(facts.testReferences === undefined
      ? []
      : checkReferences(
          `${at}/tsconfig.test.json`,
          [...dependencies, ...devDependencies],
          facts.testReferences,
        )),
    ...(facts.hasNodeTypes === (room.platform === "node")
      ? []
      : [
          `${at}/tsconfig.json: Node's types are for platform 'node' alone; the table says '${room.platform}'`,
        ]),
  ];
};

const checkImports = (
  facts: PackageFacts,
  room: Room,
  own: ReadonlyMap<string, string>,
  rootDependencies: readonly string[],
): readonly string[] => {
  const inTests = [
    ...facts.dependencies,
    ...facts.devDependencies,
    ...rootDependencies,
    facts.name,
  ];
  return facts.sources.flatMap((source) =>
    source.imports.flatMap(({ specifier, line }) => {
      const at = `${source.path}:${line}`;
      const test = isTest(source.path);
      if (specifier.startsWith(".")) {
        const leaves =
          new URL(specifier, `file:///${source.path}`).pathname.split("/")[2] !== facts.folder;
        return leaves ? [`${at}: '${specifier}' leaves the package`] : [];
      }
      if (isBuiltin(specifier))
        return test || room.platform === "node"
          ? []
          : [`${at}: '${specifier}' does not run in a browser`];
      const name = packageOf(specifier);
      // conformance and harness are test code in their sources too, but what they need they declare.
      if (!(test ? inTests : facts.dependencies).includes(name))
        return [`${at}: '${name}' is not declared`];
      const folder = own.get(name);
      if (folder === undefined || folder === facts.folder) return [];
      const allowed = test
        ? [...room.mayImport, ...forTests, ...(room.testsMayImport ?? [])]
        : room.mayImport;
      return allowed.includes(folder)
        ? []
        : [`${at}: imports ${folder}, an arrow that is not in the table`];
    }),
  );
};

/** Holds the packages against the table: manifests, project references and what the sources really import. */
export const checkArrows = (
  packages: readonly PackageFacts[],
  rootDependencies: readonly string[],
  table: Readonly<Record<string, Room>> = rooms,
): readonly string[] => {
  const own = new Map(packages.map((facts) => [facts.name, facts.folder]));
  const missing = difference(Object.keys(table), [...own.values()]);
  return [
    ...missing.map((folder) => `packages/${folder}: is in the table of arrows but does not exist`),
    ...Object.entries(table).flatMap(([folder, room]) =>
      room.mayImport
        .filter((to) => table[to]?.testsOnly === true && room.testsOnly !== true)
        .map(
          (to) => `the table of arrows: ${folder} may not import ${to}, which is for tests only`,
        ),
    ),
    ...packages.flatMap((facts) => {
      const room = table[facts.folder];
      if (room === undefined) return [`packages/${facts.folder}: is not in the table of arrows`];
      return [
        ...checkManifest(facts, room, own),
        ...checkImports(facts, room, own, rootDependencies),
      ];
    }),
  ];
};
