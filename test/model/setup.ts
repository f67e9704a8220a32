import type { Operation } from "./call.ts";
import type { Plan } from "./plan.ts";

const by = (key: number, operation: Operation): Plan => ({ by: key, front: "http", operation });
const mint = (prefix: string, ...scopes: ("read" | "write" | "admin")[]): Operation => ({
  op: "mint",
  name: "",
  prefix,
  scopes,
});
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
  by(-1, mint("/workspace/<0>", "read", "write", "admin")), // k0
  by(-1, mint("/workspace/<1>", "read", "write", "admin")), // k1
  by(-1, mint("/workspace/<0>/a", "read", "write", "admin")), // k2
  by(-1, mint("/workspace/<1>/a", "read", "write")), // k3
  by(0, mint("/workspace/<0>", "read")), // k4
  by(1, mint("/workspace/<1>", "write")), // k5
  by(0, { op: "mint", name: "", subject: "user:alice", scopes: ["read", "write"] }), // k6
  by(0, write("/a/n.txt")),
  by(1, write("/a/n.txt")),
  by(1, write("/<w>/b")),
];

/** How many keys there are after it. */
export const setupKeys = 7;
