import { type Act, callOf } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import type { Principal, Standing } from "@bulkhead/contract";
import { decided } from "./decided.ts";
import { noRelation, reachAll, relationsAllow } from "./relations-allow.ts";
import { answer, at, principal, standing } from "./test/principals.ts";

const [a, b] = ["/workspace/acme/a", "/workspace/acme/b"] as const;
const who = (given: Standing): Principal => principal({ kind: "identity", standing: given });
const asked = (given: Standing, act: Act, ...paths: readonly string[]): string =>
  answer(() => relationsAllow(who(given), callOf(act, ...paths.map(at))));

describe("what relations allow", () => {
  it("is nothing where there are none, and everything where none governs", () => {
    expect(answer(() => relationsAllow(principal(), callOf("write", at(a))))).toBe("ok");
    expect(relationsAllow(principal(), callOf("write", at(a)))).toBe(Infinity);
    expect(
      answer(() => relationsAllow(principal({ kind: "identity" }), callOf("read", at(a)))),
    ).toBe("not-found");
    expect(noRelation().denial).toBe("no relation");
  });

  const reader = standing({ [a]: { mask: 1 }, [b]: { mask: 1 } });
  const writer = standing({ [a]: { mask: 3 }, [b]: { mask: 3 } });
  const nobody = standing({});
  const acts: readonly (readonly [Act, string, string, string])[] = [
    ["stat", "not-found", "ok", "ok"],
    ["read", "not-found", "ok", "ok"],
    ["list", "not-found", "ok", "ok"],
    ["versions", "not-found", "ok", "ok"],
    ["write", "not-found", "forbidden", "ok"],
    ["mkdir", "not-found", "forbidden", "ok"],
    ["remove", "not-found", "forbidden", "ok"],
    ["restore", "not-found", "forbidden", "ok"],
    ["copy", "not-found", "forbidden", "ok"],
    ["move", "not-found", "forbidden", "ok"],
  ];
  for (const [act, ...wanted] of acts)
    it(`of ${act} depends on reading and writing`, () => {
      const paths = act === "copy" || act === "move" ? [a, b] : [a];
      expect([nobody, reader, writer].map((one) => asked(one, act, ...paths))).toEqual(wanted);
    });

  it("shows the way to what can be read, and nothing else", () => {
    const leading = standing({ [a]: { leads: true } });
    expect(asked(leading, "stat", a)).toBe("ok");
    expect(asked(leading, "list", a)).toBe("ok");
    expect(asked(leading, "read", a)).toBe("not-found");
    expect(asked(leading, "versions", a)).toBe("not-found");
    expect(asked(leading, "write", a)).toBe("not-found");
  });

  it("asks for both ends of a copy", () => {
    expect(asked(standing({ [a]: { mask: 1 }, [b]: { mask: 3 } }), "copy", a, b)).toBe("ok");
    expect(asked(standing({ [a]: { mask: 3 }, [b]: { mask: 1 } }), "copy", a, b)).toBe("forbidden");
    expect(asked(standing({ [b]: { mask: 3 } }), "copy", a, b)).toBe("not-found");
  });

  it("is of all below a directory", () => {
    const closed = standing(
      { [a]: { mask: 3 }, [b]: { mask: 3 } },
      { closedBelow: (path) => path === a },
    );
    for (const act of ["copy", "move", "remove"] as const)
      expect(asked(closed, act, a, b)).toBe("forbidden");
    expect(asked(closed, "remove", b)).toBe("ok");
    expect(asked(closed, "copy", b, a)).toBe("ok");
    expect(asked(closed, "read", a)).toBe("ok");
    expect(asked(closed, "write", a)).toBe("ok");
  });

  it("lets nobody out of a blocked directory but who could share it", () => {
    const of = (mask: number): Standing =>
      standing(
        { [a]: { mask }, [b]: { mask } },
        { unblocks: (from, to) => from === a && to === b },
      );
    expect(asked(of(3), "move", a, b)).toBe("forbidden");
    expect(asked(of(7), "move", a, b)).toBe("ok");
    expect(asked(of(3), "move", b, a)).toBe("ok");
    expect(asked(of(3), "copy", a, b)).toBe("ok");
  });

  it("ends with the first that ends", () => {
    const ending = standing({ [a]: { mask: 3, until: 20 }, [b]: { mask: 3, until: 10 } });
    expect(relationsAllow(who(ending), callOf("copy", at(a), at(b)))).toBe(10);
    expect(relationsAllow(who(ending), callOf("read", at(a)))).toBe(20);
    expect(relationsAllow(who(ending), callOf("write", at(a)))).toBe(20);
    expect(relationsAllow(who(writer), callOf("write", at(a)))).toBe(Infinity);
  });
});

describe("the four questions", () => {
  it("are asked in their order, and relations of others brought in only then", async () => {
    const order: string[] = [];
    const far = standing(
      { [a]: { mask: 1 } },
      {
        reach: (path) => {
          order.push(`reach ${path}`);
          return path === b ? Promise.resolve() : undefined;
        },
      },
    );
    const decide = decided([
      () => void order.push("first"),
      (_principal, { operation }) => {
        order.push("second");
        if (operation === "remove") throw noRelation();
      },
    ]);
    expect(decide(who(far), callOf("read", at(a)))).toBe(Infinity);
    expect(order).toEqual(["first", "second", `reach ${a}`]);
    const waiting = decide(who(far), callOf("copy", at(a), at(b)));
    expect(waiting).toBeInstanceOf(Promise);
    await expect(waiting).rejects.toMatchObject({ code: "not-found" });
    order.length = 0;
    expect(answer(() => decide(who(far), callOf("remove", at(b))))).toBe("not-found");
    expect(order).toEqual(["first", "second"]);
    expect(reachAll(principal(), [at(a)])).toBeUndefined();
  });
});
