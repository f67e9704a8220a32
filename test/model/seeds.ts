import type { Plan } from "./plan.ts";

/** A trace that once showed a difference, shrunk, and what it was. */
export interface Seed {
  readonly shows: string;
  readonly trace: readonly Plan[];
}

const write = (by: number, path: string, front = "http"): Plan => ({
  by,
  front,
  operation: { op: "write", path, content: "<w> again", mode: "overwrite" },
});

/** What the model found. Every one is run each time, before anything is drawn. */
export const seeds: readonly Seed[] = [
  {
    shows: "a look above the bounds was answered to a suspended tenant",
    trace: [
      { by: -1, front: "client", operation: { op: "suspend", tenant: "<1>" } },
      { by: 3, front: "http", operation: { op: "stat", path: "/workspace" } },
      { by: 3, front: "cli", operation: { op: "list", path: "/workspace", recursive: false } },
    ],
  },
  {
    shows: "a look above the bounds was answered to a key that may not read",
    trace: [{ by: 5, front: "http", operation: { op: "stat", path: "/workspace" } }],
  },
  {
    shows: "a directory made with its parents made a tenant, and was then not found below it",
    trace: [
      { by: -1, front: "http", operation: { op: "delete", tenant: "<1>", confirmed: true } },
      { by: -1, front: "cli", operation: { op: "mkdir", path: "/workspace/<1>/a", parents: true } },
      {
        by: -1,
        front: "client",
        operation: { op: "mkdir", path: "/tenants/<0>/a/b", parents: true },
      },
    ],
  },
  {
    shows: "a pattern with a name outside the bounds was refused where a wildcard was not",
    trace: [
      { by: 0, front: "http", operation: { op: "glob", path: "/workspace", pattern: "a/**" } },
      { by: 2, front: "client", operation: { op: "glob", path: "/workspace", pattern: "*/n.txt" } },
    ],
  },
  {
    shows:
      "with an Idempotency-Key, as the client sends it, the tenant's state was asked before the bounds",
    trace: [
      { by: -1, front: "http", operation: { op: "suspend", tenant: "<0>" } },
      {
        by: 2,
        front: "client",
        operation: { op: "copy", from: "/workspace/<0>", to: "/workspace", overwrite: false },
      },
    ],
  },
  {
    shows: "who was only named by a relation could not be made a user",
    trace: [
      {
        by: 0,
        front: "http",
        operation: { op: "grant", name: "", subject: "user:x<m>", relation: "viewer", path: "/a" },
      },
      {
        by: 0,
        front: "http",
        operation: { op: "user", tenant: "<0>", subject: "user:x<m>", role: "editor" },
      },
    ],
  },
  {
    shows:
      "to the platform, a subject of the object's tenant was ambiguous where two others had one of that name",
    trace: [
      { by: -1, front: "http", operation: { op: "create", tenant: "<2>", root: "/workspace/<2>" } },
      ...["<0>", "<1>", "<2>"].flatMap((tenant): readonly Plan[] => [
        {
          by: -1,
          front: "http",
          operation: { op: "user", tenant, subject: "user:x<m>" },
        },
      ]),
      ...["<0>", "<1>", "<2>"].map((tenant): Plan => {
        const path = `/workspace/${tenant}`;
        const asked = { subject: "user:x<m>", permission: "can_read", path } as const;
        return { by: -1, front: "http", operation: { op: "check", ...asked } };
      }),
    ],
  },
  {
    shows: "nothing yet: an id that is used again, with what stood in the same place",
    trace: [
      write(1, "/kept"),
      { by: -1, front: "http", operation: { op: "delete", tenant: "<1>", confirmed: true } },
      { by: -1, front: "http", operation: { op: "create", tenant: "<1>", root: "/workspace/<1>" } },
      { by: 1, front: "http", operation: { op: "whoami" } },
      { by: -1, front: "http", operation: { op: "list", path: "/workspace/<1>", recursive: true } },
    ],
  },
  {
    shows:
      "a walk from above towards bounds that are one file of another tenant finds it (the model did not)",
    trace: [
      {
        by: -1,
        front: "client",
        operation: {
          op: "grant",
          name: "",
          subject: "user:bob<m>",
          relation: "viewer",
          path: "/workspace/<1>/a/n.txt",
        },
      },
      { by: 7, front: "http", operation: { op: "glob", path: "/workspace", pattern: "**" } },
      { by: 7, front: "cli", operation: { op: "list", path: "/workspace", recursive: true } },
    ],
  },
  {
    shows:
      "who may look at a directory, and not change it, was told that it is one before being refused to append",
    trace: [{ by: 8, front: "cli", operation: { op: "append", path: "/a", content: "" } }],
  },
  {
    shows: "the platform's key, narrowed to one tenant, took away a relation of another",
    trace: [
      {
        by: -1,
        within: "/workspace/<1>",
        front: "cli",
        operation: { op: "ungrant", name: "r1", id: "" },
      },
    ],
  },
];
