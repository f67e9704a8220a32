import type {
  Accepted,
  BackendPath,
  Moved,
  Operation,
  Removed,
  WriteResult,
} from "@bulkhead/contract";
import type { Fact, Outcome } from "./ports.ts";

export type Result = WriteResult | Removed | Moved | Accepted | void;

/** The paths whose charge an operation changes. */
export const changedBy = (
  operation: Operation,
  paths: readonly BackendPath[],
): readonly BackendPath[] => {
  switch (operation) {
    case "write":
    case "remove":
    case "move":
      return paths;
    case "copy":
      return paths.slice(1);
    case "mkdir":
    case "stat":
    case "read":
    case "list":
      return [];
    default:
      return operation satisfies never;
  }
};

/** What an answer says of what is stored now; undefined where only a look can tell. */
export const factsOf = (
  operation: Operation,
  paths: readonly BackendPath[],
  result: Result,
): readonly Fact[] | undefined => {
  const [first = "", second = ""] = paths;
  if (operation === "mkdir") return [];
  if (typeof result === "object" && "job" in result) return undefined;
  if (operation === "remove") return [{ is: "gone", path: first }];
  if (operation === "move") return [{ is: "moved", from: first, path: second }];
  if (typeof result !== "object") return undefined;
  const path = operation === "copy" ? second : first;
  if ("etag" in result) return [{ is: "file", path, size: result.size, etag: result.etag }];
  if ("files" in result)
    return [{ is: "copied", from: first, path, files: result.files, bytes: result.bytes }];
  return undefined;
};

/** True for facts that hold whatever was charged before. */
export const areAbsolute = (facts: readonly Fact[]): boolean =>
  facts.every(({ is }) => is !== "moved" && is !== "copied");

/** What an answer says that an effect was. */
export const outcomeOf = (operation: Operation, result: Result): Outcome => {
  if (typeof result !== "object") return { created: true };
  if ("job" in result) return {};
  if ("etag" in result) {
    const { created, etag, size, replaced } = result;
    return { files: created ? 1 : 0, bytes: size - (replaced?.size ?? 0), created, etag };
  }
  if ("files" in result)
    return operation === "remove"
      ? { files: -result.files, bytes: -result.bytes }
      : { files: result.files, bytes: result.bytes, created: true };
  return result.replaced === undefined
    ? { created: true }
    : { files: -1, bytes: -result.replaced.size, created: false };
};
