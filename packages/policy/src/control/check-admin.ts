import {
  FileError,
  isUnder,
  parseVirtualPath,
  type Principal,
  type VirtualPath,
} from "@bulkhead/contract";
import { checkScope } from "../decision.ts";

/** Throws unless the caller administers at all: an identity whose subject is an admin of its tenant, a capability in its bounds. */
export const checkAdmin = (principal: Principal): void => {
  checkScope(principal, "admin");
  if (principal.kind === "identity" && principal.standing?.admin !== true)
    throw new FileError(
      "forbidden",
      "This key's subject does not administer the tenant; use the key of an admin.",
    );
};

/** Throws unless the caller is the platform. */
export const checkPlatform = (principal: Principal): void => {
  checkScope(principal, "admin");
  if (principal.kind !== "platform")
    throw new FileError("forbidden", "Only the platform key does this.");
};

/** True if `path` lies inside the bounds. */
export const covers = (principal: Principal, path: VirtualPath): boolean =>
  principal.reach.bounds.some((bound) => isUnder(bound, path));

/** Throws unless the caller's bounds hold every root of its tenant: who administers a part does not see or set the rest. */
export const checkWholeTenant = (principal: Principal, roots: readonly string[]): void => {
  if (principal.kind === "platform") return;
  if (roots.length === 0 || !roots.every((root) => covers(principal, parseVirtualPath(root))))
    throw new FileError(
      "forbidden",
      "This key administers a part of the tenant; use a key that reaches all its roots.",
    );
};
