import type { Scope } from "@bulkhead/contract";
import fc from "fast-check";
import type { Operation } from "./call.ts";
import { relating } from "./arbitrary-relations.ts";
import type { Plan } from "./plan.ts";
import { setupKeys } from "./setup.ts";

const plain = ["a", "b", "ab", "n.txt", "é"] as const;
/** Names; among them the word of the tenant that they are in. */
const names = (word: string, maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...plain, word), { maxLength })
    .map((parts) => parts.map((part) => `/${part}`).join(""));
const tenant = fc.constantFrom("<0>", "<1>", "<2>");
const inside = (namespace: string, maxLength: number): fc.Arbitrary<string> =>
  fc
    .constantFrom(0, 1, 2)
    .chain((i) => names(`<w${i}>`, maxLength).map((rest) => `/${namespace}/<${i}>${rest}`));

/** Where most things are: home, another's root, a root that is not there, what lies above. */
const path = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom("/a/n.txt", "/n.txt", "/a", "/b", "/a/b", "/b/n.txt", "/<w>/b"),
  },
  { weight: 6, arbitrary: names("<w>", 2).map((rest) => rest || "/") },
  { weight: 5, arbitrary: inside("workspace", 2) },
  { weight: 1, arbitrary: inside("tenants", 1) },
  { weight: 1, arbitrary: fc.constantFrom("/workspace", "/workspace/<0>", "/workspace/<1>") },
);

const content = fc
  .integer({ min: 0, max: 99 })
  .map((n) => (n === 0 ? "" : `<w> ${"x".repeat(n % 7)}${n}`));
const match = fc.constantFrom<("current" | "stale" | undefined)[]>(
  undefined,
  undefined,
  undefined,
  "current",
  "stale",
);
const range = fc.constantFrom<Extract<Operation, { readonly op: "read" }>["range"][]>(
  undefined,
  undefined,
  { start: 0, end: 3 },
  { start: 2 },
  { start: 40 },
  { suffix: 4 },
);
type Of<Name extends Operation["op"]> = Extract<Operation, { readonly op: Name }>;
const scopes = fc.constantFrom<(readonly Scope[] | undefined)[]>(
  undefined,
  ["read"],
  ["write"],
  ["read", "write"],
  ["read", "write", "admin"],
  ["share", "admin"],
);
const key = fc.nat({ max: setupKeys + 4 }).map((n) => `k${n}`);

const transfer = { from: path, to: path, overwrite: fc.boolean(), match };

const files: readonly fc.WeightedArbitrary<Operation>[] = [
  { weight: 3, arbitrary: fc.record<Of<"stat">>({ op: fc.constant("stat"), path }) },
  { weight: 5, arbitrary: fc.record<Of<"read">>({ op: fc.constant("read"), path, range }) },
  {
    weight: 2,
    arbitrary: fc.record<Of<"read">>({ op: fc.constant("read"), path, nth: fc.nat({ max: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record<Of<"versions">>({ op: fc.constant("versions"), path }) },
  {
    weight: 3,
    arbitrary: fc.record<Of<"restore">>({
      op: fc.constant("restore"),
      path,
      nth: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record<Of<"list">>({
      op: fc.constant("list"),
      path,
      recursive: fc.boolean(),
      pageSize: fc.constantFrom(undefined, undefined, 1, 2),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record<Of<"write">>({
      op: fc.constant("write"),
      path,
      content,
      mode: fc.constantFrom("overwrite", "overwrite", "overwrite", "create", "current", "stale"),
      type: fc.constantFrom(undefined, undefined, "text/x-model"),
      meta: fc.constantFrom(undefined, undefined, undefined, "<w> of a note"),
    }),
  },
  { weight: 4, arbitrary: fc.record<Of<"append">>({ op: fc.constant("append"), path, content }) },
  {
    weight: 4,
    arbitrary: fc.record<Of<"mkdir">>({ op: fc.constant("mkdir"), path, parents: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record<Of<"remove">>({
      op: fc.constant("remove"),
      path,
      recursive: fc.boolean(),
      match,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record<Of<"copy" | "move">>({ op: fc.constant("copy"), ...transfer }),
  },
  {
    weight: 4,
    arbitrary: fc.record<Of<"copy" | "move">>({ op: fc.constant("move"), ...transfer }),
  },
  {
    weight: 2,
    arbitrary: fc.record<Of<"glob">>({
      op: fc.constant("glob"),
      path,
      pattern: fc.constantFrom("**", "*", "*.txt", "a/*", "**/n.txt", "?", "a/**"),
    }),
  },
];

const prefix = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      "/workspace/<0>",
      "/workspace/<1>",
      "/workspace/<0>/a",
      "/workspace/<1>/a/b",
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("/workspace", "/", "/workspace/<2>", "/tenants/<0>") },
);

const keys: readonly fc.WeightedArbitrary<Operation>[] = [
  { weight: 1, arbitrary: fc.record<Of<"whoami">>({ op: fc.constant("whoami") }) },
  {
    weight: 3,
    arbitrary: fc.record<Of<"mint">>({
      op: fc.constant("mint"),
      name: fc.constant(""),
      scopes,
      prefix: fc.option(prefix, { nil: undefined, freq: 4 }),
      subject: fc.constantFrom(undefined, undefined, "user:bob<m>", "agent:bot<m>"),
      tenant: fc.constantFrom(undefined, undefined, undefined, "<0>", "<1>"),
      expiresAt: fc.constantFrom(undefined, undefined, 1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<Of<"narrow">>({
      op: fc.constant("narrow"),
      key,
      id: fc.constant(""),
      scopes,
      prefix: fc.option(prefix, { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Of<"revoke">>({ op: fc.constant("revoke"), key, id: fc.constant("") }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Of<"rotate">>({
      op: fc.constant("rotate"),
      name: fc.constant(""),
      key,
      id: fc.constant(""),
      overlapSeconds: fc.constantFrom(0, 600),
    }),
  },
];

const tenants: readonly fc.WeightedArbitrary<Operation>[] = [
  {
    weight: 3,
    arbitrary: tenant.map((id) => ({ op: "create", tenant: id, root: `/workspace/${id}` })),
  },
  {
    weight: 2,
    arbitrary: fc.record<Of<"suspend" | "reactivate">>({ op: fc.constant("suspend"), tenant }),
  },
  {
    weight: 4,
    arbitrary: fc.record<Of<"suspend" | "reactivate">>({ op: fc.constant("reactivate"), tenant }),
  },
  {
    // In the long run; the usual one has them in a corner.
    weight: process.env["BULKHEAD_MODEL_WHOLE"] === "1" ? 4 : 0,
    arbitrary: fc.record<Of<"limit">>({
      op: fc.constant("limit"),
      tenant,
      bytes: fc.constantFrom(null, 0, 20, 40, 80),
      files: fc.constantFrom(null, null, 2, 4),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Of<"delete">>({
      op: fc.constant("delete"),
      tenant,
      confirmed: fc.boolean(),
    }),
  },
];

const fronts = { http: 3, client: 3, cli: 3 } as const;

const frontOf = (processes: number): fc.Arbitrary<string> =>
  fc.oneof(
    ...Object.entries(fronts).map(([front, weight]) => ({
      weight: weight * 20,
      arbitrary: fc.constant(front),
    })),
    { weight: processes, arbitrary: fc.constant("process") },
  );

const nothing = fc.constant(undefined);
const within = fc.oneof(
  { weight: 9, arbitrary: nothing },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "/workspace/<0>",
      "/workspace/<1>",
      "/workspace/<0>/a",
      "/workspace/<1>/a",
      "/workspace/<1>/a/b",
    ),
  },
);
/** The two that reach a whole tenant, and those of somebody, more often than those that cannot do much. */
const anyKey = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 6, 7) },
  { weight: 1, arbitrary: fc.nat({ max: setupKeys + 3 }) },
);

const anyGiver = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 1, 7, -1) },
  { weight: 1, arbitrary: fc.nat({ max: setupKeys + 3 }) },
);

/** The kinds of commands there are; `processes` weighs the command line as a process. */
export const plans = (weights: { readonly processes: number }): fc.Arbitrary<Plan>[] => {
  const front = frontOf(weights.processes);
  const work = fc.oneof(...files, ...keys);
  return [
    ...Array.from({ length: 6 }, () => fc.record({ by: anyKey, within, front, operation: work })),
    ...Array.from({ length: 2 }, () =>
      fc.record({ by: anyGiver, within, front, operation: fc.oneof(...relating) }),
    ),
    fc.record({ by: fc.constant(-1), within, front, operation: work }),
    fc.record({
      by: fc.oneof({ weight: 4, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: anyKey }),
      front,
      operation: fc.oneof(...tenants),
    }),
  ];
};

/** Time passes. */
export const advance: fc.Arbitrary<Plan> = fc.constant({ event: "advance", minutes: 20 });
