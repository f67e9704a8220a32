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
  { op: "limit", tenant: "<1>", bytes: 0, files: 0 },
  { op: "limit", tenant: "<0>", bytes: 0, files: 0 },
];

const relating: readonly Operation[] = [
  { op: "user", tenant: "<0>", subject: "user:new<m>" },
  { op: "removeUser", tenant: "<0>", subject: "user:none<m>" },
  { op: "group", tenant: "<0>", id: "h<m>" },
  { op: "removeGroup", tenant: "<0>", id: "none<m>" },
  { op: "grant", name: "", subject: "user:alice<m>", relation: "viewer", path: "/a" },
  { op: "ungrant", name: "r0", id: "" },
  { op: "check", subject: "user:bob<m>", permission: "can_read", path: "/a" },
];

/** What a key tries that may not: another's ground, beyond its scopes, without a relation, of a tenant that is suspended. */
const refused = (front: string): readonly Plan[] => [
  ...each("/workspace/<1>/a/n.txt").map((operation) => by(0, front, operation)),
  ...each("/a/n.txt").flatMap((operation) => [4, 5, 6].map((key) => by(key, front, operation))),
  ...[...administration, ...relating].flatMap((operation) =>
    [2, 4, 6].map((key) => by(key, front, operation)),
  ),
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
    { op: "mkdir" as const, path: "/absent/b", parents: false },
    ...each("/missing/b"),
    write("/a/n.txt", "create"),
    write("/a/n.txt", "stale"),
    write("/a/n.txt", "current"),
    copy("/a/n.txt", "/a/n.txt", true),
    { op: "read" as const, path: "/a/n.txt", range: { start: 1, end: 4 } },
    { op: "read" as const, path: "/a/n.txt", range: { start: 1_000 } },
    { op: "remove" as const, path: "/", recursive: false },
    { op: "whoami" as const },
    { op: "remove" as const, path: "/none", recursive: false },
    { op: "versions" as const, path: "/none" },
    { op: "restore" as const, path: "/none", nth: 0 },
    { op: "revoke" as const, key: "k0", id: "" },
  ].map((operation) => by(1, front, operation));

type Grant = Extract<Operation, { readonly op: "grant" }>;
const grant = (subject: string, relation: string, on: Partial<Grant>): Operation => ({
  op: "grant",
  name: "",
  subject,
  relation,
  ...on,
});
const read = (path: string): Operation => ({ op: "read", path });
const user = (op: "user" | "removeUser", subject: string, tenant = "<0>"): Operation => ({
  op,
  tenant,
  subject,
});

/** What relations give and take: to alice (k6), an editor of /a; to bob (k7), an owner; to a bot of the other tenant (k8). */
const related = (front: string): readonly Plan[] => {
  const [alice, bob, bot] = ["user:alice<m>", "user:bob<m>", "agent:bot<m>"];
  const owner = (operation: Operation): Plan => by(0, front, operation);
  return [
    ...[user("user", alice), user("user", alice), user("user", bob, "<1>")].map(owner),
    ...[user("removeUser", "user:none<m>"), user("removeUser", bob, "<1>")].map(owner),
    owner({ op: "group", tenant: "<0>", id: "h<m>" }),
    owner({ op: "group", tenant: "<0>", id: "h<m>" }),
    owner({ op: "group", tenant: "<1>", id: "h<m>" }),
    owner({ op: "removeGroup", tenant: "<0>", id: "none<m>" }),
    ...relating.map((operation) => by(2, front, operation)),
    owner(grant("user:*", "owner", { path: "/a" })),
    owner(grant(bob, "member", { group: "none<m>" })),
    owner(grant(bob, "member", { group: "g<m>", tenant: "<1>" })),
    owner(grant(alice, "blocked", { path: "/a/n.txt" })),
    by(6, front, read("/a/n.txt")),
    by(6, front, { op: "list", path: "/a", recursive: false }),
    by(6, front, move("/a", "/a2")),
    by(6, front, { op: "remove", path: "/a", recursive: true }),
    by(6, front, { op: "list", path: "/", recursive: true }),
    by(7, front, grant(alice, "viewer", { path: "/a", below: true, expiresAt: 1 })),
    by(7, front, grant(alice, "viewer", { path: "/missing" })),
    by(7, front, grant(alice, "viewer", { path: "/workspace/<1>/a" })),
    ...["/a/n.txt", "/a"].flatMap((path) => each(path).map((tried) => by(8, front, tried))),
    by(8, front, write("/b/new")),
    by(8, front, grant(bot, "owner", { path: "/a" })),
    by(8, front, { op: "ungrant", name: "r3", id: "" }),
    owner(mint("/workspace/<1>")),
    by(8, front, { op: "check", subject: "user:x<m>", permission: "can_read", path: "/b" }),
    owner({ op: "ungrant", name: "r99", id: "" }),
    by(7, front, {
      op: "check",
      subject: bot,
      permission: "can_read",
      path: "/workspace/<1>/a",
    }),
    owner({ op: "ungrant", name: "r4", id: "" }),
    by(6, front, { op: "append", path: "/b/n.txt", content: "<w> more" }),
    by(5, front, { op: "check", subject: bot, permission: "can_read", path: "/a" }),
    by(1, front, grant(alice, "viewer", { path: "/<w>", subjectTenant: "<0>" })),
    by(6, front, { op: "list", path: "/workspace/<1>", recursive: true }),
    ...["/workspace/<1>/<w1>/b", "/workspace/<1>/a/n.txt"].flatMap((path) => [
      by(6, front, read(path)),
      by(6, front, write(path)),
      by(6, front, copy(path, "/a/copied")),
    ]),
    owner(grant(alice, "owner", { path: "/" })),
    by(1, front, grant(alice, "editor", { path: "/<w>", subjectTenant: "<0>" })),
    by(6, front, move("/workspace/<1>/<w1>/b", "/b")),
    by(1, front, move("/a", "/moved")),
    by(8, front, read("/moved/n.txt")),
    by(1, front, { op: "remove", path: "/moved", recursive: true }),
    by(1, front, write("/moved/n.txt")),
    by(8, front, read("/moved/n.txt")),
    { event: "advance", minutes: 20 },
    by(7, front, { op: "check", subject: alice, permission: "can_write", path: "/a/n.txt" }),
    owner(grant(bob, "admin", { admin: "<0>" })),
    by(7, front, mint("/workspace/<0>/a")),
    by(7, front, { op: "removeGroup", tenant: "<0>", id: "g<m>" }),
    by(7, front, user("removeUser", alice)),
    by(6, front, { op: "whoami" }),
  ];
};

const mint = (prefix: string): Operation => ({ op: "mint", name: "", prefix });

interface Corner {
  readonly shows: string;
  readonly trace: readonly Plan[];
}

const cornersBy = (front: string): readonly Corner[] => [
  { shows: "what a key may not", trace: refused(front) },
  { shows: "what is in the way", trace: met(front) },
  { shows: "what relations give", trace: related(front) },
  {
    shows: "a tenant that has no room, and is suspended then",
    trace: [
      by(-1, front, { op: "limit", tenant: "<2>", bytes: null, files: 1 }),
      by(-1, front, { op: "limit", tenant: "<0>", bytes: null, files: 1 }),
      ...["/a/n.txt", "/new", "/a"].flatMap((path) => each(path)).map((one) => by(0, front, one)),
      by(-1, front, { op: "limit", tenant: "<0>", bytes: 20, files: null }),
      ...each("/new").map((operation) => by(0, front, operation)),
      by(-1, front, { op: "suspend", tenant: "<0>" }),
      ...[...each("/a/n.txt"), ...administration, ...relating, { op: "whoami" as const }].map(
        (operation) => by(0, front, operation),
      ),
      by(-1, front, { op: "reactivate", tenant: "<0>" }),
      by(0, front, { op: "whoami" }),
    ],
  },
  {
    shows: "a revoked key, and what the platform does with keys and tenants",
    trace: [
      by(-1, front, { op: "narrow", key: "k2", id: "", scopes: ["read"] }),
      by(-1, front, { op: "narrow", key: "k4", id: "", scopes: ["write"] }),
      by(-1, front, { op: "rotate", name: "", key: "k2", id: "", overlapSeconds: 600 }),
      by(-1, front, { op: "revoke", key: "k0", id: "" }),
      ...[...each("/a/n.txt"), ...administration, ...relating, { op: "whoami" as const }].flatMap(
        (operation) => [0, 4].map((key) => by(key, front, operation)),
      ),
      by(-1, front, { op: "create", tenant: "<2>", root: "/tenants/<2>" }),
      by(-1, front, { op: "create", tenant: "<2>", root: "/workspace/<2>" }),
      by(-1, front, copy("/workspace/<1>/a", "/tenants/<2>/b")),
      by(-1, front, move("/workspace/<1>/a/n.txt", "/tenants/<2>/a.txt")),
      by(-1, front, { op: "delete", tenant: "<1>", confirmed: false }),
      by(-1, front, { op: "delete", tenant: "<1>", confirmed: true }),
      by(-1, front, { op: "suspend", tenant: "<1>" }),
      by(-1, front, { op: "reactivate", tenant: "<1>" }),
      by(1, front, { op: "whoami" }),
    ],
  },
];

/**
 * Sequences that reach what a random one seldom does. By every front, or each command by the next of them, beginning
 * with the `first`.
 */
export const corners = (whole: boolean, first: number): readonly Corner[] =>
  whole
    ? fronts.flatMap((front) =>
        cornersBy(front).map(({ shows, trace }) => ({ shows: `${shows}, by ${front}`, trace })),
      )
    : cornersBy("http").map(({ shows, trace }) => ({
        shows,
        trace: trace.map((plan, i) =>
          "by" in plan ? { ...plan, front: fronts[(first + i) % fronts.length] ?? "http" } : plan,
        ),
      }));
