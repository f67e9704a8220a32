import { encodePath, type ErrorCode, parseRequestPath } from "@bulkhead/contract";
import { wireExplanation } from "@bulkhead/wire";
import { api } from "../support/api.ts";
import type { Operation } from "./call.ts";
import { Mismatch } from "./compare.ts";
import type { Prediction } from "./model.ts";
import type { System } from "./system.ts";

/** What only the storage says of what everything before it let through. */
const stored: ReadonlySet<string> = new Set<ErrorCode>([
  "already-exists",
  "not-empty",
  "is-directory",
  "not-directory",
  "invalid-request",
]);

/** The question what an operation would get; undefined for what there is no such question about. */
const questionOf = (operation: Operation): Record<string, unknown> | undefined => {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- of the rest nothing is asked
  switch (operation.op) {
    case "stat":
      return { operation: "stat", path: operation.path };
    case "list":
      return operation.recursive ? undefined : { operation: "list", path: operation.path };
    case "read": {
      const { path, range, nth } = operation;
      return range === undefined && nth === undefined ? { operation: "read", path } : undefined;
    }
    case "write": {
      const { path, mode, meta } = operation;
      return mode === "overwrite" && meta === undefined ? { operation: "write", path } : undefined;
    }
    case "mkdir":
      return operation.parents ? undefined : { operation: "mkdir", path: operation.path };
    case "remove":
      return operation.match === undefined
        ? { operation: "remove", path: operation.path }
        : undefined;
    case "copy":
    case "move": {
      const { op, from, to, match } = operation;
      return match === undefined ? { operation: op, path: from, to } : undefined;
    }
    default:
      return undefined;
  }
};

/** Asks what an operation would get, right before it: throws unless that is what the model says it does. */
export const checkExplained = async (
  system: System,
  key: string,
  within: string | undefined,
  operation: Operation,
  { code }: Prediction,
): Promise<boolean> => {
  const body = questionOf(operation);
  // How much comes is not said in the question.
  if (body === undefined || code === "quota-exceeded") return false;
  const headers: Record<string, string> =
    within === undefined
      ? {}
      : { "Bulkhead-Workspace-Prefix": encodePath(parseRequestPath(within)) };
  const answer = await api(system.url(), key).send("POST", "/v1/explain", { body, headers });
  // A key that is served nothing, or may read nothing, is not told why.
  if (answer.status !== 200) return false;
  const { code: said, steps } = wireExplanation.parse(answer.json);
  const told = said ?? undefined;
  const byStorage = steps.every(({ step, outcome }) => outcome !== "denied" || step === "backend");
  if (told === code || (byStorage && stored.has(code ?? ""))) return true;
  throw new Mismatch(
    `explanation: the model says ${code ?? "allowed"}, the system ${told ?? "allowed"}.`,
  );
};
