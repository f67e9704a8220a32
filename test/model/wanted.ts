import type { Operation } from "./call.ts";

const everywhere = [
  "ok",
  "outside-workspace",
  "scope-required",
  "tenant-suspended",
  "unauthenticated",
];
const onFiles = [...everywhere, "not-found"];
const byAdmins = ["ok", "scope-required", "tenant-suspended", "unauthenticated"];

/** Which answers each operation has to have given, for the model to have been tried. */
export const wanted: Readonly<Record<Operation["op"], readonly string[]>> = {
  stat: onFiles,
  read: [...onFiles, "is-directory", "range-not-satisfiable"],
  list: [...onFiles, "not-directory"],
  glob: [...onFiles, "not-directory"],
  write: [
    ...onFiles,
    "quota-exceeded",
    "forbidden",
    "is-directory",
    "not-directory",
    "precondition-failed",
  ],
  grant: [...onFiles, "forbidden", "invalid-request", "tenant-mismatch"],
  ungrant: [...byAdmins, "forbidden", "not-found"],
  check: onFiles,
  user: [...byAdmins, "forbidden", "not-found", "already-exists"],
  removeUser: [...byAdmins, "forbidden", "not-found"],
  group: [...byAdmins, "forbidden", "not-found", "already-exists"],
  removeGroup: [...byAdmins, "forbidden", "not-found"],
  versions: [...onFiles, "is-directory"],
  restore: [...onFiles, "forbidden", "is-directory", "not-directory"],
  append: [...onFiles, "quota-exceeded", "forbidden", "is-directory", "not-directory"],
  mkdir: [...onFiles, "forbidden", "already-exists", "not-directory"],
  remove: [...onFiles, "forbidden"],
  copy: [...onFiles, "already-exists", "invalid-request", "is-directory", "not-directory"],
  move: [...onFiles, "forbidden", "already-exists", "is-directory", "not-directory"],
  whoami: ["ok", "tenant-suspended", "unauthenticated"],
  mint: [...byAdmins, "outside-workspace", "invalid-request"],
  narrow: [...byAdmins, "not-found", "invalid-request"],
  revoke: [...byAdmins, "not-found"],
  rotate: [...byAdmins, "not-found"],
  create: [...byAdmins, "forbidden", "already-exists"],
  suspend: [...byAdmins, "forbidden", "not-found"],
  reactivate: [...byAdmins, "forbidden", "not-found"],
  limit: [...byAdmins, "forbidden", "not-found"],
  delete: [...byAdmins, "forbidden", "confirmation-required"],
};

/** What a front has no words for, or answers for itself: those answers nobody gets by it. */
export const unspoken: ReadonlySet<string> = new Set(["delete cli confirmation-required"]);
