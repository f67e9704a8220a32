import type { Operation } from "./call.ts";
import type { Plan } from "./plan.ts";

const by = (key: number, operation: Operation): Plan => ({ by: key, front: "http", operation });
type Scopes = readonly ("read" | "write" | "share" | "admin")[];
const mint = (prefix: string, ...scopes: Scopes): Operation => ({
  op: "mint",
  name: "",
  prefix,
  scopes,
});
const mintFor = (tenant: string, subject: string, ...scopes: Scopes): Operation => ({
  op: "mint",
  name: "",
  tenant,
  subject,
  scopes,
});
const grant = (
  key: number,
  subject: string,
  relation: string,
  on: { readonly path?: string; readonly group?: string },
): Plan => by(key, { op: "grant", name: "", subject, relation, ...on });
const write = (path: string): Operation => ({
  op: "write",
  path,
  content: "<w> first",
  mode: "overwrite",
});

/** What every sequence begins with: two tenants, their keys, something in them, and some of the platform's own. */
export const setup: readonly Plan[] = [
  by(-1, { op: "create", tenant: "<0>", root: "/workspace/<0>" }),
  by(-1, { op: "create", tenant: "<1>", root: "/workspace/<1>" }),
  by(-1, { op: "mkdir", path: "/", parents: false }),
  by(-1, mint("/workspace/<0>", "read", "write", "share", "admin")), // k0
  by(-1, mint("/workspace/<1>", "read", "write", "share", "admin")), // k1
  by(-1, mint("/workspace/<0>/a", "read", "write", "admin")), // k2
  by(-1, mint("/workspace/<1>/a", "read", "write")), // k3
  by(0, mint("/workspace/<0>", "read")), // k4
  by(1, mint("/workspace/<1>", "write")), // k5
  by(0, { op: "mint", name: "", subject: "user:alice<m>", scopes: ["read", "write"] }), // k6
  by(-1, mintFor("<0>", "user:bob<m>", "read", "write", "share", "admin")), // k7
  by(1, mintFor("<1>", "agent:bot<m>", "read", "write", "share")), // k8
  by(0, write("/a/n.txt")),
  by(1, write("/a/n.txt")),
  by(1, write("/<w>/b")),
  by(0, { op: "group", tenant: "<0>", id: "g<m>" }),
  grant(0, "user:alice<m>", "member", { group: "g<m>" }), // r0
  grant(0, "group:g<m>", "editor", { path: "/a" }), // r1
  grant(0, "user:bob<m>", "owner", { path: "/" }), // r2
  grant(1, "agent:bot<m>", "viewer", { path: "/a" }), // r3
];

/** How many relations there are after it. */
export const setupRelations = 4;

/** How many keys there are after it. */
export const setupKeys = 9;
