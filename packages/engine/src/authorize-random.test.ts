import { parseRequestPath, type RequestPath } from "@bulkhead/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Authorized, authorized, platformKey } from "./test/authorized.ts";

const rounds = Number(process.env["AUTHORIZE_ROUNDS"] ?? 3);
const seed = Number(process.env["AUTHORIZE_SEED"] ?? 20_260_101);

/** Mulberry32. */
const random = (from: number): ((below: number) => number) => {
  let a = from;
  return (below) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
};

const root = "/workspace/acme";
const users = ["alice", "bob"];
const directories = ["", "/a", "/a/b", "/a/b/c", "/d", "/d/e"];
const files = directories.flatMap((directory) => [`${directory}/f`, `${directory}/g`]);
const subjects = [
  ...users.map((id) => `user:${id}`),
  "group:g",
  "group:h",
  "user:*",
  "tenant:acme",
];

describe(`random relations (AUTHORIZE_SEED=${seed})`, () => {
  let on: Authorized;
  let other: Authorized;
  const keys = new Map<string, string>();

  beforeAll(async () => {
    on = await authorized();
    other = await on.another();
    await on.engine.control.tenants.create(await on.as(platformKey), { id: "acme" });
    for (const id of ["g", "h"])
      await on.engine.control.groups.create(await on.as(platformKey), "acme", id);
    for (const file of files) await on.write(platformKey, root + file);
    for (const id of users) keys.set(id, await on.user("acme", id));
  });
  afterAll(() => on[Symbol.asyncDispose]());

  const pick = random(seed);
  const of = <T>(all: readonly T[]): T => all[pick(all.length)] as T;

  const change = async (): Promise<string> => {
    if (pick(4) === 0) {
      const { items } = await on.engine.control.relations.list(await on.as(platformKey), {
        tenant: "acme",
      });
      if (items.length > 0) {
        const { id, subject, relation, object } = of(items);
        await on.revoke(id);
        return `revoke ${subject} ${relation} ${object}`;
      }
    }
    if (pick(4) === 0) {
      const [member, group] = [of([...subjects.slice(0, 2), "group:g"]), of(["g", "h"])];
      await on.outcome(() => on.grant(member, "member", `group:${group}`, { tenant: "acme" }));
      return `${member} in ${group}`;
    }
    const subject = of(subjects);
    const relation =
      subject === "user:*" ? "viewer" : of(["viewer", "editor", "owner", "blocked"] as const);
    const place = root + of([...directories, ...files]) + (pick(5) === 0 ? "/*" : "");
    const outcome = await on.outcome(() => on.grant(subject, relation, place));
    return `${outcome}: ${subject} ${relation} ${place}`;
  };

  it("give on either process exactly what checks say, in listings too", async () => {
    const log: string[] = [];
    let shown = 0;
    let hidden = 0;
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < 4; i++) log.push(await change());
      for (const id of users) {
        const key = keys.get(id) ?? "";
        const places = [...directories.slice(1), ...files].map((place) => root + place);
        const checked = await on.engine.control.relations.checkBatch(
          await on.as(platformKey),
          places.map((place) => ({
            subject: `user:${id}`,
            permission: "can_read",
            object: `file:${place}`,
          })),
        );
        const readable = new Set(places.filter((_, i) => checked[i]?.allowed === true));
        for (const engine of [on, other]) {
          for (const file of files) {
            const outcome = await engine.outcome(() => engine.text(key, root + file));
            const expected = readable.has(root + file) ? "ok" : "not-found";
            expect({ log, id, file, outcome }).toEqual({ log, id, file, outcome: expected });
          }
          const leads = (place: string): boolean =>
            places.some((each) => readable.has(each) && `${each}/`.startsWith(`${place}/`));
          for (const directory of directories) {
            const whole = root + directory;
            const below = [...directories, ...files].filter(
              (each) => each !== "" && each.slice(0, each.lastIndexOf("/")) === directory,
            );
            const expected = below
              .filter((each) => leads(root + each))
              .map((each) => each.slice(directory.length + 1))
              .map((name) => (files.includes(`${directory}/${name}`) ? name : `${name}/`))
              .toSorted();
            let listed: readonly string[] = [];
            const outcome = await engine.outcome(async () => {
              listed = await engine.names(key, whole, 1 + pick(4));
            });
            const visible = expected.length > 0 || readable.has(whole);
            expect({ log, id, whole, outcome, listed: listed.toSorted() }).toEqual({
              log,
              id,
              whole,
              outcome: visible || (directory === "" && outcome === "ok") ? "ok" : "not-found",
              listed: expected,
            });
            shown += expected.length;
            hidden += below.length - expected.length;
          }
        }
      }
    }
    // A run in which everything is open, or everything closed, would show nothing.
    expect(Math.min(shown, hidden)).toBeGreaterThan(10);
  });

  it("decide writes as checks say", async () => {
    for (const id of users) {
      const key = keys.get(id) ?? "";
      for (const file of files) {
        const place: RequestPath = parseRequestPath(root + file);
        const ask = async (permission: string): Promise<boolean> =>
          (
            await on.engine.control.relations.check(await on.as(platformKey), {
              subject: `user:${id}`,
              permission,
              object: `file:${place}`,
            })
          ).allowed;
        const expected = (await ask("can_write"))
          ? "ok"
          : (await ask("can_read"))
            ? "forbidden"
            : "not-found";
        expect([file, await on.outcome(() => on.write(key, place))]).toEqual([file, expected]);
        const { code = "ok" } = await on.engine.control.explain(await on.as(key), {
          operation: "write",
          path: place,
        });
        expect(code).toBe(expected);
      }
    }
  });
});
