// What the graph lists and explains, against the naive reading of the model asked path by path and subject by subject.
import { isUnder, parseVirtualPath, type VirtualPath } from "@bulkhead/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isLive, maskOf, names, other, own, roles } from "../test/naive.ts";
import { asker, closureIn, now, numRuns, path, world } from "../test/worlds.ts";
import { canRead, canShare, canWrite, type Cover, type SubjectRef } from "./types.ts";

const permission = fc.constantFrom(canRead, canWrite, canShare);

const isIn = ({ roots, below, except, exceptBelow }: Cover, path: VirtualPath): boolean => {
  const strictly = (base: VirtualPath): boolean => base !== path && isUnder(base, path);
  return (
    (roots.some((root) => isUnder(root, path)) || below.some(strictly)) &&
    !except.some((root) => isUnder(root, path)) &&
    !exceptBelow.some(strictly)
  );
};

test("a cover holds what can be reached, in as few roots as can be", () => {
  fc.assert(
    fc.property(world, asker, path, permission, now, (known, who, at, bit, when) => {
      const { graph, tuples } = known;
      const cover = graph.cover(closureIn(graph, who, when), bit, when);
      for (const place of [at, parseVirtualPath(`${at}/a`), parseVirtualPath(`${at}/a/z`)])
        expect(isIn(cover, place)).toBe((maskOf(roles(tuples, who, place, when)) & bit) !== 0);
      const all = [...cover.roots, ...cover.below];
      expect(new Set(all).size).toBe(all.length);
      for (const root of all)
        expect(all.filter((each) => each !== root && isUnder(each, root))).toEqual([]);
      const out = [...cover.except, ...cover.exceptBelow];
      expect(out.filter((each) => !all.some((root) => isUnder(root, each)))).toEqual([]);
    }),
    { numRuns },
  );
});

test("what is blocked below a path, and above it for anybody", () => {
  fc.assert(
    fc.property(world, asker, path, now, ({ graph, tuples }, who, at, when) => {
      const blocks = tuples.filter((each) => each.relation === "blocked" && isLive(each, when));
      const isAdmin = roles(tuples, who, at, when).has("admin");
      const below = blocks.some(
        (each) =>
          each.object.type === "file" &&
          isUnder(at, each.object.path) &&
          (each.object.path !== at || each.belowOnly === true) &&
          names(tuples, each, who, when) !== "no",
      );
      expect(graph.blockedBelow(closureIn(graph, who, when), at, when)).toBe(!isAdmin && below);
      const above = blocks.flatMap(({ object }) =>
        object.type === "file" && object.path !== at && isUnder(object.path, at)
          ? [object.path]
          : [],
      );
      expect(new Set(graph.blocksAbove(at, when))).toEqual(new Set(above));
    }),
    { numRuns },
  );
});

const people: readonly SubjectRef[] = (["user", "agent", "service"] as const).flatMap((type) =>
  ["p0", "p1"].map((id) => ({ tenant: own, type, id })),
);
const written = ({ tenant, type, id }: SubjectRef): string => `${type}:${id}@${tenant}`;

test("subjects are those that a check allows, and everyone allowed is among them or in one of them", () => {
  fc.assert(
    fc.property(world, path, permission, now, ({ graph, tuples }, at, bit, when) => {
      const found = graph.subjects(at, bit, when);
      expect(new Set(found.map(written)).size).toBe(found.length);
      for (const each of found)
        if (each.tenant === own)
          expect(graph.check(graph.closureOf(each, when), at, when).mask & bit).toBe(bit);
      for (const who of people) {
        if ((maskOf(roles(tuples, who, at, when)) & bit) === 0) continue;
        const object = { tenant: own, type: "file" as const, path: at };
        expect(
          found.some(
            (subject) =>
              names(
                tuples,
                { subject, relation: "viewer", object, expiresAt: undefined },
                who,
                when,
              ) === "yes",
          ),
        ).toBe(true);
      }
    }),
    { numRuns },
  );
});

test("paths of other tenants are those that live relations name for the subject", () => {
  fc.assert(
    fc.property(world, asker, now, ({ graph, tuples }, who, when) => {
      const wanted = tuples.flatMap((each) =>
        who.tenant === own &&
        each.object.type === "file" &&
        each.object.tenant === other &&
        isLive(each, when) &&
        names(tuples, each, who, when) === "yes"
          ? [each.object.path]
          : [],
      );
      const closure = closureIn(graph, who, when);
      expect(new Set(graph.foreign(closure, when))).toEqual(new Set(wanted));
    }),
    { numRuns },
  );
});

test("an explanation decides as the check does, and its tuples are there and say so", () => {
  fc.assert(
    fc.property(world, asker, path, permission, now, (known, who, at, bit, when) => {
      const { graph, tuples } = known;
      const closure = closureIn(graph, who, when);
      const { allowed, chain, misses } = graph.explain(closure, at, bit, when);
      expect(allowed).toBe((graph.check(closure, at, when).mask & bit) !== 0);
      expect(chain.length > 0).toBe(allowed);
      expect(misses.length).toBeLessThanOrEqual(allowed ? 0 : 10);
      const plain = (value: unknown): string =>
        JSON.stringify(value, (_, each: unknown) => (each === false ? undefined : each));
      const held = new Set(
        tuples.map(({ subject, relation, object, expiresAt, belowOnly }) =>
          plain({ subject, relation, object, expiresAt, belowOnly }),
        ),
      );
      for (const tuple of [...chain, ...misses.map((miss) => miss.tuple)]) {
        const { subject, relation, object, expiresAt, belowOnly } = tuple;
        expect(held).toContain(plain({ subject, relation, object, expiresAt, belowOnly }));
      }
      // The chain alone, where nothing else is, gives the permission.
      if (allowed) expect(maskOf(roles(chain, who, at, when)) & bit).toBe(bit);
      for (const { tuple, why } of misses) {
        expect(isLive(tuple, when)).toBe(why !== "expired");
        expect(tuple.relation === "blocked").toBe(why === "blocked");
      }
    }),
    { numRuns },
  );
});
