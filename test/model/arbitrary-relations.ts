import fc from "fast-check";
import type { Operation } from "./call.ts";

type Of<Name extends Operation["op"]> = Extract<Operation, { readonly op: Name }>;

const people = ["user:alice<m>", "user:bob<m>", "agent:bot<m>"] as const;
const person = fc.constantFrom(...people);
const group = fc.constantFrom("g<m>", "h<m>");
/** The caller's own more often than another's. */
const tenant = fc.constantFrom("<0>", "<0>", "<1>", "<2>");
const path = fc.constantFrom("/", "/a", "/a/n.txt", "/a/b", "/b", "/n.txt", "/<w>", "/<w>/b");
const absolute = fc.constantFrom(
  "/workspace/<0>",
  "/workspace/<0>/a",
  "/workspace/<0>/a/n.txt",
  "/workspace/<1>/a",
  "/workspace/<1>/a/n.txt",
  "/workspace/<1>/<w1>",
);
const where = fc.oneof({ weight: 3, arbitrary: path }, { weight: 2, arbitrary: absolute });
const nothing = fc.constant(undefined);

const onFile = {
  subject: fc.constantFrom(
    ...people,
    ...people,
    "group:g<m>",
    "group:h<m>#member",
    "user:*",
    "agent:*",
    "tenant:<0>",
    "tenant:<1>",
  ),
  // The platform's subjects are of a tenant that it names.
  subjectTenant: fc.constantFrom(undefined, undefined, "<0>", "<1>"),
  path: where,
};
const relation = fc.constantFrom("viewer", "editor", "owner", "blocked", "viewer", "editor");
const expiresAt = fc.constantFrom(undefined, undefined, 1);

/** Commands about users, groups and relations. */
export const relating: readonly fc.WeightedArbitrary<Operation>[] = [
  {
    weight: 12,
    arbitrary: fc.record<Of<"grant">>({
      op: fc.constant("grant"),
      name: fc.constant(""),
      ...onFile,
      relation,
      below: fc.constantFrom(false, false, true),
      expiresAt,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record<Of<"grant">>({
      op: fc.constant("grant"),
      name: fc.constant(""),
      subject: fc.constantFrom(...people, "group:g<m>", "group:h<m>"),
      relation: fc.constant("member"),
      group,
      tenant: fc.oneof(nothing, tenant),
      expiresAt,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Of<"grant">>({
      op: fc.constant("grant"),
      name: fc.constant(""),
      subject: fc.constantFrom("user:alice<m>", "group:h<m>", "agent:bot<m>"),
      relation: fc.constant("admin"),
      admin: tenant,
      expiresAt,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.nat({ max: 12 }).map((n) => ({ op: "ungrant", name: `r${n}`, id: "" })),
  },
  {
    weight: 5,
    arbitrary: fc.record<Of<"check">>({
      op: fc.constant("check"),
      ...onFile,
      subject: person,
      permission: fc.constantFrom("can_read", "can_write", "can_share"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Of<"check">>({
      op: fc.constant("check"),
      subject: person,
      group,
      tenant: fc.oneof(nothing, tenant),
      permission: fc.constant("member"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<Of<"user">>({
      op: fc.constant("user"),
      tenant,
      subject: person,
      role: fc.constantFrom(undefined, "admin", "editor", "member"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Of<"removeUser">>({
      op: fc.constant("removeUser"),
      tenant,
      subject: person,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<Of<"group">>({
      op: fc.constant("group"),
      tenant,
      id: group,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Of<"removeGroup">>({
      op: fc.constant("removeGroup"),
      tenant,
      id: group,
    }),
  },
];
