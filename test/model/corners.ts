import type { Operation } from "./call.ts";
import type { Plan } from "./plan.ts";

const fronts = ["http", "client", "cli"] as const;
const by = (key: number, front: string, operation: Operation): Plan => ({
  by: key,
  front,
  operation,
});

const copy = (from: string, to: string, overwrite = false): Operation => ({
  op: "copy",
  from,
  to,
  overwrite,
});
const move = (from: string, to: string, overwrite = false): Operation => ({
  op: "move",
  from,
  to,
  overwrite,
});
const write = (
  path: string,
  mode: "overwrite" | "create" | "current" | "stale" = "overwrite",
): Operation => ({
  op: "write",
  path,
  content: "<w> of a corner",
  mode,
});

/** One of each operation on files, at a place. */
const each = (path: string): readonly Operation[] => [
  { op: "stat", path },
  { op: "read", path },
  { op: "list", path, recursive: false },
  { op: "glob", path, pattern: "**" },
  write(path),
  { op: "append", path, content: "<w> more" },
  { op: "read", path, nth: 0 },
  { op: "versions", path },
  { op: "restore", path, nth: 0 },
  { op: "mkdir", path, parents: false },
  { op: "remove", path, recursive: true },
  copy(path, "/copied"),
  copy("/a/n.txt", path, true),
  move(path, "/moved"),
  move("/a/n.txt", path, true),
];

const administration: readonly Operation[] = [
  { op: "mint", name: "", prefix: "/workspace/<0>/a" },
  { op: "narrow", key: "k4", id: "", scopes: ["read"] },
  { op: "revoke", key: "k99", id: "" },
  { op: "rotate", name: "", key: "k4", id: "", overlapSeconds: 0 },
  { op: "create", tenant: "<2>", root: "/workspace/<2>" },
  { op: "suspend", tenant: "<1>" },
  { op: "reactivate", tenant: "<1>" },
  { op: "delete", tenant: "<1>", confirmed: true },
];

/** What a key tries that may not: another's ground, beyond its scopes, without a relation, of a tenant that is suspended. */
const refused = (front: string): readonly Plan[] => [
  ...each("/workspace/<1>/a/n.txt").map((operation) => by(0, front, operation)),
  ...each("/a/n.txt").flatMap((operation) => [4, 5, 6].map((key) => by(key, front, operation))),
  ...administration.flatMap((operation) => [2, 4, 6].map((key) => by(key, front, operation))),
];

/** A file where a directory would have to be, a directory where a file would, and something where nothing would. */
const inTheWay: readonly Operation[] = [
  write("/a/n.txt/b"),
  { op: "append", path: "/a/n.txt/b", content: "<w> more" },
  { op: "mkdir", path: "/a/n.txt/b", parents: false },
  { op: "restore", path: "/a/n.txt/b", nth: 0 },
  ...[copy, move].flatMap((transfer) => [
    transfer("/a/n.txt", "/<w>/b"),
    transfer("/a/n.txt", "/<w>", true),
    transfer("/a/n.txt", "/<w>/b/x"),
    transfer("/a", "/a/b"),
  ]),
  { op: "mint", name: "", prefix: "/workspace" },
];

/** What meets something else than it wants. */
const met = (front: string): readonly Plan[] =>
  [
    ...inTheWay,
    ...each("/a"),
    ...each("/a/n.txt/b"),
    ...each("/missing/b"),
    write("/a/n.txt", "create"),
    write("/a/n.txt", "stale"),
    write("/a/n.txt", "current"),
    copy("/a/n.txt", "/a/n.txt", true),
    { op: "read" as const, path: "/a/n.txt", range: { start: 1, end: 4 } },
    { op: "read" as const, path: "/a/n.txt", range: { start: 1_000 } },
    { op: "remove" as const, path: "/", recursive: false },
    { op: "whoami" as const },
  ].map((operation) => by(1, front, operation));

/** Sequences that reach what a random one seldom does, by every front. */
export const corners: readonly { readonly shows: string; readonly trace: readonly Plan[] }[] =
  fronts.flatMap((front) => [
    { shows: `what a key may not, by ${front}`, trace: refused(front) },
    { shows: `what is in the way, by ${front}`, trace: met(front) },
    {
      shows: `a suspended tenant, by ${front}`,
      trace: [
        by(-1, front, { op: "suspend", tenant: "<0>" }),
        ...[...each("/a/n.txt"), ...administration, { op: "whoami" as const }].map((operation) =>
          by(0, front, operation),
        ),
        by(-1, front, { op: "reactivate", tenant: "<0>" }),
        by(0, front, { op: "whoami" }),
      ],
    },
    {
      shows: `a revoked key, and what the platform does with keys and tenants, by ${front}`,
      trace: [
        by(-1, front, { op: "narrow", key: "k2", id: "", scopes: ["read"] }),
        by(-1, front, { op: "narrow", key: "k4", id: "", scopes: ["write"] }),
        by(-1, front, { op: "rotate", name: "", key: "k2", id: "", overlapSeconds: 600 }),
        by(-1, front, { op: "revoke", key: "k0", id: "" }),
        ...[...each("/a/n.txt"), ...administration, { op: "whoami" as const }].flatMap(
          (operation) => [0, 4].map((key) => by(key, front, operation)),
        ),
        by(-1, front, { op: "create", tenant: "<2>", root: "/tenants/<2>" }),
        by(-1, front, { op: "create", tenant: "<2>", root: "/workspace/<2>" }),
        by(-1, front, copy("/workspace/<1>/a", "/tenants/<2>/b")),
        by(-1, front, move("/workspace/<1>/a/n.txt", "/tenants/<2>/a.txt")),
        by(-1, "http", { op: "delete", tenant: "<1>", confirmed: false }),
        by(-1, front, { op: "delete", tenant: "<1>", confirmed: true }),
        by(-1, front, { op: "suspend", tenant: "<1>" }),
        by(-1, front, { op: "reactivate", tenant: "<1>" }),
        by(1, front, { op: "whoami" }),
      ],
    },
  ]);

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
  write: [...onFiles, "is-directory", "not-directory", "precondition-failed"],
  versions: [...onFiles, "is-directory"],
  restore: [...onFiles, "is-directory", "not-directory"],
  append: [...onFiles, "is-directory", "not-directory"],
  mkdir: [...onFiles, "already-exists", "not-directory"],
  remove: [...onFiles, "forbidden"],
  copy: [...onFiles, "already-exists", "invalid-request", "is-directory", "not-directory"],
  move: [...onFiles, "already-exists", "is-directory", "not-directory"],
  whoami: ["ok", "tenant-suspended", "unauthenticated"],
  mint: [...byAdmins, "outside-workspace", "invalid-request"],
  narrow: [...byAdmins, "not-found", "invalid-request"],
  revoke: [...byAdmins, "not-found"],
  rotate: [...byAdmins, "not-found"],
  create: [...byAdmins, "forbidden", "already-exists"],
  suspend: [...byAdmins, "forbidden", "not-found"],
  reactivate: [...byAdmins, "forbidden", "not-found"],
  delete: [...byAdmins, "forbidden", "confirmation-required"],
};
