import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseSync, type Program, Visitor, type VisitorObject } from "oxc-parser";

/** One TypeScript file of the repository, parsed. */
export interface Source {
  /** Relative to the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  /** Module specifiers of static, dynamic and type imports and of re-exports. */
  readonly imports: readonly Import[];
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Counts lines from 1. */
export const lineAt = (text: string, offset: number): number =>
  text.slice(0, offset).split("\n").length;

/** Walks the tree of a parsed file. */
export const visit = (program: Program, visitor: VisitorObject): void => {
  new Visitor(visitor).visit(program);
};

/** Parses `text`. Throws if it is not TypeScript: what cannot be read cannot be checked. */
export const parseSource = (path: string, text: string): Source => {
  const { program, errors } = parseSync(path, text, { lang: "ts", sourceType: "module" });
  const [first] = errors;
  if (first !== undefined) throw new Error(`${path}: ${first.message}`);
  const imports: Import[] = [];
  const add = (specifier: unknown, offset: number): void => {
    if (typeof specifier === "string") imports.push({ specifier, line: lineAt(text, offset) });
  };
  visit(program, {
    ImportDeclaration: (node) => add(node.source.value, node.start),
    ExportAllDeclaration: (node) => add(node.source.value, node.start),
    ExportNamedDeclaration: (node) => add(node.source?.value, node.start),
    ImportExpression: (node) =>
      add(node.source.type === "Literal" ? node.source.value : undefined, node.start),
    TSImportType: (node) => add(node.source.value, node.start),
  });
  return { path, text, program, imports };
};

/** Reads every TypeScript file below `folder`, but not what was built or installed. */
export const readSources = (root: string, folder: string): readonly Source[] => {
  const found: Source[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.[cm]?tsx?$/.test(entry.name)) continue;
    const path = relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/");
    if (/(^|\/)(node_modules|dist)\//.test(path)) continue;
    found.push(parseSource(path, readFileSync(join(root, path), "utf8")));
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
};

/** True for a file that only tests load: `*.test.ts`, and what lies in a folder `test`. */
export const isTest = (path: string): boolean =>
  /\.test\.[cm]?tsx?$|^test\/|\/src\/test\//.test(path);
