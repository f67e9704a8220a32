import type { Expression, TSType } from "oxc-parser";
import { isTest, lineAt, type Source, visit } from "./source.ts";

/** The only files where one kind of path becomes another, and the parser that makes them. */
export const doors: readonly string[] = [
  "packages/contract/src/path.ts",
  "packages/vfs/src/scope.ts",
  "packages/vfs/src/mount-table.ts",
];

const pathTypes = ["RequestPath", "VirtualPath", "BackendPath", "AnyPath"];

// Names that are paths of the tree in this code base. An absolute path's first character may be asked for.
const pathName = /(?:path|prefix|home|mount|bound|root|target)s?$|^(?:from|to|base|point|place)$/i;

/** What a type mentions by name, however deep. */
const mentions = (
  type: TSType | null | undefined,
  names: ReadonlySet<string>,
  text: string,
): boolean =>
  type !== null &&
  type !== undefined &&
  (text.slice(type.start, type.end).match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu) ?? []).some(
    (word) => names.has(word),
  );

/** The names in this file that stand for a path: the types themselves, aliases, parameters bound to them. */
const namesOfPaths = (source: Source): ReadonlySet<string> => {
  const names = new Set(pathTypes);
  visit(source.program, {
    ImportSpecifier: (node) => {
      if (node.imported.type === "Identifier" && pathTypes.includes(node.imported.name))
        names.add(node.local.name);
    },
    TSTypeParameter: (node) => {
      if (mentions(node.constraint, names, source.text)) names.add(node.name.name);
    },
    TSTypeAliasDeclaration: (node) => {
      // `type Session = Store<RequestPath, …>` speaks of paths but is none.
      const { typeAnnotation } = node;
      const isPath =
        typeAnnotation.type === "TSTypeReference" && typeAnnotation.typeArguments === null;
      if (
        (isPath || typeAnnotation.type === "TSUnionType") &&
        mentions(typeAnnotation, names, source.text)
      )
        names.add(node.id.name);
    },
  });
  return names;
};

/** The last name in an expression: `entry.path` is `path`. */
const lastName = (node: Expression): string | undefined => {
  if (node.type === "Identifier") return node.name;
  return node.type === "MemberExpression" && !node.computed ? node.property.name : undefined;
};

/**
 * Finds what would let a path from one world into another: casts to a path, casts by way of `never` or `unknown`,
 * type predicates that claim a path, and `startsWith` on a path, which takes `/tenant-ab` for a part of `/tenant-a`.
 * Tests may cast by way of `unknown` and compare text as they like, but they make no paths either.
 */
export const checkCasts = (source: Source): readonly string[] => {
  if (doors.includes(source.path)) return [];
  const names = namesOfPaths(source);
  const lenient = isTest(source.path);
  const faults: string[] = [];
  const fault = (offset: number, text: string): void => {
    faults.push(`${source.path}:${lineAt(source.text, offset)}: ${text}`);
  };
  const cast = (start: number, type: TSType, inner: { readonly type: string }): void => {
    if (mentions(type, names, source.text))
      fault(start, "a cast to a path; only the doors make paths");
    else if (lenient) return;
    else if (type.type === "TSNeverKeyword") fault(start, "a cast to never fits every path");
    else if (inner.type === "TSAsExpression" && "typeAnnotation" in inner)
      fault(start, "a cast of a cast; write a check that narrows");
  };
  visit(source.program, {
    TSAsExpression: (node) => cast(node.start, node.typeAnnotation, node.expression),
    TSTypeAssertion: (node) => cast(node.start, node.typeAnnotation, node.expression),
    TSTypePredicate: (node) => {
      if (mentions(node.typeAnnotation?.typeAnnotation, names, source.text))
        fault(node.start, "a predicate that claims a path; only the doors make paths");
    },
    CallExpression: (node) => {
      if (
        lenient ||
        node.callee.type !== "MemberExpression" ||
        lastName(node.callee) !== "startsWith"
      )
        return;
      const subject = lastName(node.callee.object);
      const [argument] = node.arguments;
      const asksForSlash = argument?.type === "Literal" && argument.value === "/";
      const addsSlash =
        argument?.type === "TemplateLiteral" &&
        argument.quasis.at(-1)?.value.raw.endsWith("/") === true;
      if ((subject !== undefined && pathName.test(subject) && !asksForSlash) || addsSlash)
        fault(node.start, "startsWith on a path; use isUnder or segmentsBelow");
    },
  });
  return faults;
};
