import { describe, expect, it } from "vitest";
import { fileModel, roleAliases } from "../model/file-model.ts";
import { relationOf } from "../model/model.ts";
import { parseModel } from "../model/parse-model.ts";
import { QuestionError } from "../question-error.ts";
import type { Interpreter } from "./interpreter.ts";
import { interpreter } from "./interpreter.ts";
import type { ModelTuple } from "./model-tuple.ts";
import type { TupleReader } from "./tuple-set.ts";
import { tupleSet } from "./tuple-set.ts";

/** `user:a viewer doc:1`, one a line. */
const tuples = (text: string): readonly ModelTuple[] =>
  text
    .trim()
    .split("\n")
    .map((line) => {
      const [subject = "", relation = "", object = ""] = line.trim().split(" ");
      return { subject, relation, object };
    });

// The clock of a busy machine must not decide.
const patient = { limits: { time: 60_000 } };

const own = async (relations: string, limits = {}): Promise<Interpreter> =>
  interpreter(
    await parseModel(
      `model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user, user:*, group#member]\ntype doc\n  relations\n${relations}`,
    ),
    { limits: { ...patient.limits, ...limits } },
  );

const nested = (depth: number): TupleReader =>
  tupleSet([
    ...Array.from({ length: depth }, (_, i) => ({
      subject: `group:${i + 1}#member`,
      relation: "member",
      object: `group:${i}`,
    })),
    { subject: "user:deep", relation: "member", object: `group:${depth}` },
    { subject: "group:0#member", relation: "viewer", object: "doc:1" },
    { subject: "group:0#member", relation: "blocked", object: "doc:2" },
    { subject: "user:deep", relation: "viewer", object: "doc:2" },
    { subject: "user:other", relation: "viewer", object: "doc:2" },
  ]);

const guarded =
  "    define blocked: [user, group#member]\n    define viewer: [user, user:*, group#member]\n    define can_view: viewer but not blocked\n";
const ask = (subject: string, object: string, relation = "can_view") => ({
  subject,
  relation,
  object,
});

describe("limits", () => {
  it("follow a chain of 900", async () => {
    const model = await own(guarded);
    const reader = nested(900);
    expect(model.check(reader, ask("user:deep", "doc:1"))).toEqual({ allowed: true });
    expect(model.check(reader, ask("user:other", "doc:1"))).toEqual({ allowed: false });
    expect(model.check(reader, ask("user:deep", "doc:2"))).toEqual({ allowed: false });
    expect(model.check(reader, ask("user:other", "doc:2"))).toEqual({ allowed: true });
  });

  it("deny beyond 1,000 steps, in `but not` too", async () => {
    const model = await own(guarded);
    const unsure = { allowed: false, reason: "indeterminate" };
    const reader = nested(1_100);
    expect(model.check(reader, ask("user:deep", "doc:1"))).toEqual(unsure);
    expect(model.check(reader, ask("user:other", "doc:2"))).toEqual(unsure);
    expect(model.listObjects(reader, { subject: "user:other", relation: "can_view", type: "doc" }))
      // Another user is not among those 1,100 either, and nobody can be sure of it.
      .toEqual({ found: [], indeterminate: true });
  });

  it("end a chain of 20,000 with an answer, if they may", async () => {
    const model = await own(guarded, { depth: 30_000 });
    expect(model.check(nested(20_000), ask("user:deep", "doc:1"))).toEqual({ allowed: true });
  });

  const wide = (count: number): TupleReader =>
    tupleSet([
      ...Array.from({ length: count }, (_, i) => ({
        subject: `group:${i}#member`,
        relation: "viewer",
        object: "doc:1",
      })),
      { subject: "user:last", relation: "member", object: `group:${count - 1}` },
    ]);

  it("answer over 100,000 usersets, and give up over more", async () => {
    const model = await own(guarded);
    const reader = wide(100_000);
    expect(model.check(reader, ask("user:last", "doc:1"))).toEqual({ allowed: true });
    expect(model.check(reader, ask("user:none", "doc:1"))).toEqual({ allowed: false });
    const strict = await own(guarded, { steps: 10_000 });
    expect(strict.check(reader, ask("user:none", "doc:1"))).toEqual({
      allowed: false,
      reason: "indeterminate",
    });
    const question = { relation: "can_view", object: "doc:1", filter: "user" };
    expect(strict.listSubjects(reader, question).indeterminate).toBe(true);
    const hurried = await own(guarded, { time: -1 });
    expect(hurried.check(reader, ask("user:none", "doc:1"))).toEqual({
      allowed: false,
      reason: "indeterminate",
    });
  });

  it("hold over dense circles, which end", async () => {
    const groups = Array.from({ length: 60 }, (_, i) => i);
    const dense = groups.flatMap((from) =>
      groups.map((to) => ({
        subject: `group:${from}#member`,
        relation: "member",
        object: `group:${to}`,
      })),
    );
    const model = await own(guarded);
    const reader = tupleSet([
      ...dense,
      ...tuples(
        "user:in member group:59\ngroup:0#member viewer doc:1\nuser:out viewer doc:2\ngroup:0#member blocked doc:2",
      ),
    ]);
    expect(model.check(reader, ask("user:in", "doc:1"))).toEqual({ allowed: true });
    expect(model.check(reader, ask("user:out", "doc:1"))).toEqual({
      allowed: false,
      reason: "cycle",
    });
    // Whether it is blocked goes round in a circle: denied.
    expect(model.check(reader, ask("user:out", "doc:2"))).toEqual({
      allowed: false,
      reason: "cycle",
    });
  });

  it("leave one question of a batch alone", async () => {
    const model = await own(guarded, { steps: 50 });
    const reader = tupleSet([
      ...nested(60).group("doc:1", "viewer").all,
      ...Array.from({ length: 60 }, (_, i) => ({
        subject: `group:${i + 1}#member`,
        relation: "member",
        object: `group:${i}`,
      })),
      ...tuples("user:a viewer doc:2"),
    ]);
    const unsure = { allowed: false, reason: "indeterminate" };
    expect(
      model.checkBatch(reader, [
        ask("user:a", "doc:1"),
        ask("user:a", "doc:2"),
        ask("user:a", "doc:1"),
        ask("user:a", "doc:2"),
      ]),
    ).toEqual([unsure, { allowed: true }, unsure, { allowed: true }]);
  });

  it("let no question of a batch see the context of another", async () => {
    const model = await own(
      "    define viewer: [user, user with c]\ncondition c(x: int) {\n  x < 5\n}\n",
    );
    const under = { name: "c", context: {} };
    const reader = tupleSet([
      { subject: "user:a", relation: "viewer", object: "doc:1", condition: under },
    ]);
    const question = ask("user:a", "doc:1", "viewer");
    const [contextual] = [tuples("user:a viewer doc:2")];
    const elsewhere = { ...question, object: "doc:2" };
    // What is given with the question stands for what is stored of the same name.
    const over = [{ ...question, condition: { name: "c", context: { x: 9 } } }];
    expect(
      model.checkBatch(reader, [
        { ...question, context: { x: 1 } },
        { ...question, context: { x: 7 } },
        { ...question, context: { x: 1 }, contextual: over },
        elsewhere,
        { ...elsewhere, contextual },
        elsewhere,
      ]),
    ).toEqual([true, false, false, false, true, false].map((allowed) => ({ allowed })));
    const objects = { subject: "user:a", relation: "viewer", type: "doc", context: { x: 1 } };
    expect(model.listObjects(reader, { ...objects, contextual }).found).toEqual(["doc:1", "doc:2"]);
  });

  it("refuse a context of more than 32 KiB", async () => {
    const model = await own(guarded);
    const context = { text: "a".repeat(33_000) };
    expect(() => model.check(tupleSet([]), { ...ask("user:a", "doc:1"), context })).toThrow(
      /at most 32768/u,
    );
  });
});

describe("a tuple", () => {
  it.each([
    ["user:a viewer doc:1", true],
    ["user:* viewer doc:1", true],
    ["group:a#member viewer doc:1", true],
    ["group:a viewer doc:1", false],
    ["group:* viewer doc:1", false],
    ["group:a#owner viewer doc:1", false],
    ["doc:a viewer doc:1", false],
    ["user:a can_view doc:1", false],
    ["user:a nothing doc:1", false],
    ["user:a viewer folder:1", false],
    ["user:a viewer doc:*", false],
    ["user:a viewer doc:1#viewer", false],
    ["user:a:b viewer doc:1", false],
    ["user viewer doc:1", false],
    ["user:*#member viewer doc:1", false],
  ])("%s may be given: %s", async (text, allowed) => {
    const [tuple] = tuples(text);
    const model = await own(guarded);
    const outcome = (): string => {
      try {
        model.checkTuple(tuple ?? { subject: "", relation: "", object: "" });
        return "given";
      } catch (error) {
        return error instanceof QuestionError ? error.fault : "another error";
      }
    };
    expect(outcome()).toBe(allowed ? "given" : "tuple");
  });

  it("names the condition it must have, and its parameters", async () => {
    const model = await own(
      "    define viewer: [user with c]\ncondition c(x: int) {\n  x < 5\n}\n",
    );
    const tuple = { subject: "user:a", relation: "viewer", object: "doc:1" };
    const given = (condition: ModelTuple["condition"]) => () =>
      model.checkTuple({ ...tuple, condition });
    expect(given({ name: "c", context: { x: 1 } })).not.toThrow();
    expect(given({ name: "c" })).not.toThrow();
    expect(given(undefined)).toThrow(/does not allow/u);
    expect(given({ name: "d" })).toThrow(/under the condition d/u);
    expect(given({ name: "c", context: { y: 1 } })).toThrow(/no parameter y/u);
    const reader = tupleSet([tuple]);
    expect(model.check(reader, { ...ask("user:a", "doc:1", "viewer"), context: { x: 1 } })).toEqual(
      {
        allowed: false,
      },
    );
  });
});

describe("expand", () => {
  it("draws a relation one step deep", async () => {
    const model = await own(
      "    define parent: [doc]\n    define owner: [user]\n    define viewer: ([user, group#member] or owner or owner from parent) but not (parent and owner)\n".replace(
        "(parent and owner)",
        "owner",
      ),
    );
    const reader = tupleSet(
      tuples(
        "user:b viewer doc:1\nuser:a viewer doc:1\ndoc:0 parent doc:1\ngroup:g viewer doc:1\nuser:* viewer doc:1",
      ),
    );
    expect(model.expand(reader, { object: "doc:1", relation: "viewer" })).toEqual({
      kind: "difference",
      name: "doc:1#viewer",
      nodes: [
        {
          kind: "union",
          name: "doc:1#viewer",
          nodes: [
            { kind: "leaf", name: "doc:1#viewer", subjects: ["user:a", "user:b"] },
            { kind: "computed", name: "doc:1#viewer", from: ["doc:1#owner"] },
            { kind: "computed", name: "doc:1#viewer", from: ["doc:0#owner"] },
          ],
        },
        { kind: "computed", name: "doc:1#viewer", from: ["doc:1#owner"] },
      ],
    });
    expect(() => model.expand(reader, { object: "doc:1", relation: "x" })).toThrow(QuestionError);
  });
});

describe("the model of files", () => {
  const facts = tuples(`
    tenant:t tenant file:/t
    tenant:t tenant file:/t/a
    tenant:t tenant file:/t/a/b
    file:/t parent file:/t/a
    file:/t/a parent file:/t/a/b
    user:admin admin tenant:t
    user:all member tenant:t
    user:staff member group:g
    user:own owner file:/t
    group:g#member editor file:/t/a
    tenant:t#member viewer file:/t/a/b
    agent:* viewer file:/t/a
    user:admin blocked file:/t/a
    user:staff blocked file:/t/a/b
  `);

  it.each([
    ["user:own", "rws", "rws", "rws"],
    ["user:staff", "", "rw", ""],
    ["user:all", "", "", "r"],
    // An admin may not be blocked, and is a member.
    ["user:admin", "rws", "rws", "rws"],
    ["agent:x", "", "r", "r"],
    ["user:none", "", "", ""],
  ])("gives %s on the root %j, below %j and %j", async (subject, ...expected) => {
    const model = interpreter(await parseModel(fileModel));
    const may = ["file:/t", "file:/t/a", "file:/t/a/b"].map((object) =>
      model
        .checkBatch(
          tupleSet(facts),
          ["can_read", "can_write", "can_share"].map((relation) => ({ subject, relation, object })),
        )
        .map(({ allowed }, index) => (allowed ? "rws"[index] : ""))
        .join(""),
    );
    expect(may).toEqual(expected);
  });

  it("knows what its aliases stand for", async () => {
    const model = await parseModel(fileModel);
    for (const role of Object.values(roleAliases))
      expect(relationOf(model, "file", role)?.restrictions).not.toEqual([]);
  });
});
