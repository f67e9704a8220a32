import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Connection, connection } from "./connection.ts";
import { lines, passedSince, type Question } from "./lines.ts";
import { slowDownload } from "./slow-download.ts";
import { servers, type Servers } from "./two-servers.ts";

/** Of each kind; `BULKHEAD_RACES` for a long run. */
const rounds = Number(process.env["BULKHEAD_RACES"] ?? 6);
const timeout = 20_000 + rounds * 2_000;
const root = "/workspace/acme";

interface Key {
  readonly id: string;
  readonly key: string;
}

interface Round {
  readonly key: string | undefined;
  readonly questions: readonly Question[];
  /** Lets the asker in; without it the asker is in already. */
  readonly give?: () => Promise<unknown>;
  readonly take: () => Promise<unknown>;
}

describe("three processes on one ledger: relations hold at once, and not a moment longer", () => {
  let all: Servers;
  let urls: readonly string[];
  /** The platform key on each process; whoever makes the change alternates. */
  let platform: readonly Connection[];

  const turn = <T>(i: number, among: readonly T[]): T => {
    const found = among[i % among.length];
    if (found === undefined) throw new Error("There is none.");
    return found;
  };
  const by = (i: number): Connection => turn(i, platform);
  const post = (i: number, target: string, body: unknown, status = 201) =>
    by(i).must(status, "POST", `/v1/${target}`, { body });
  const drop = (i: number, target: string, status = 204) =>
    by(i).must(status, "DELETE", `/v1/${target}`);
  const put = (i: number, path: string, body = "content") =>
    by(i).send("PUT", `/v1/files${root}${path}`, { body });

  /** A key of a user of acme, or of another tenant. */
  const keyOf = async (id: string, tenant = "acme"): Promise<Key> => {
    const subject = { type: "user", id };
    const minted = await post(0, "keys", {
      tenant,
      name: id,
      subject,
      scopes: ["read", "write", "share"],
    });
    return { id: minted.member("id"), key: minted.member("key") };
  };
  const grant = async (i: number, subject: string, relation: string, path: string, more = {}) =>
    (
      await post(i, "relations", { subject, relation, object: `file:${root}${path}`, ...more })
    ).member("id");

  /** A file, asked for in the ways there are. */
  const asks = (path: string): readonly Question[] => [
    { method: "GET", target: `/v1/files${path}` },
    { method: "GET", target: `/v1/stat${path}` },
  ];

  /** Plays one round: refused before, let in on the next request everywhere, and refused ever after. */
  const play = async ({ key, questions, give, take }: Round): Promise<readonly string[]> => {
    const open = lines(urls, key, questions);
    try {
      if (give !== undefined) {
        for (const { passed, reply } of await open.ask())
          if (passed) throw new Error(`Let in before: ${reply.text}`);
        await give();
      }
      for (const { passed, target, reply } of await open.ask())
        if (!passed) throw new Error(`Refused though granted: ${target} ${reply.text}`);
      const pumps = open.pump();
      await take();
      const since = performance.now();
      const next = await open.ask();
      const pumped = await pumps.stop();
      if (next.some(({ reply }) => !reply.reused)) throw new Error("A connection was not kept.");
      return passedSince(since, [...next, ...pumped]);
    } finally {
      open.close();
    }
  };
  const playAll = async (round: (i: number) => Round | Promise<Round>): Promise<void> => {
    const passed: string[] = [];
    for (let i = 0; i < rounds; i++) passed.push(...(await play(await round(i))));
    expect(passed).toEqual([]);
  };

  beforeAll(async () => {
    all = await servers("versioned");
    const started = await Promise.all([all.start(), all.start(), all.start()]);
    urls = started.map(({ url }) => url);
    platform = urls.map((url) => connection(url, all.platformKey));
    for (const id of ["acme", "beta"]) await post(0, "tenants", { id });
    for (const path of ["/docs/f.txt", "/grouped/f.txt", "/out/f.txt", "/link.txt"])
      await put(0, path);
  }, 120_000);
  afterAll(() => all[Symbol.asyncDispose]());

  it("revoke of a relation, given to the user or to everybody", { timeout }, async () => {
    const { key } = await keyOf("ann");
    await playAll((i) => {
      let id = "";
      return {
        key,
        questions: asks("/docs/f.txt"),
        give: async () => {
          id = await grant(i, i % 3 === 2 ? "user:*" : "user:ann", "viewer", "/docs");
        },
        take: () => drop(i + 1, `relations/${id}`, 200),
      };
    });
  });

  it("removal from a group, removal of the group", { timeout }, async () => {
    const { key } = await keyOf("gus");
    await playAll(async (i) => {
      const [inner, outer] = [`inner-${i}`, `outer-${i}`];
      for (const id of [inner, outer]) await post(i, "tenants/acme/groups", { id });
      const member = (subject: string, group: string) =>
        post(i, "relations", {
          tenant: "acme",
          subject,
          relation: "member",
          object: `group:${group}`,
        });
      await member(`group:${inner}#member`, outer);
      await grant(i, `group:${outer}#member`, "viewer", "/grouped");
      let membership = "";
      const takes = [
        () => drop(i + 1, `relations/${membership}`, 200),
        () => drop(i + 1, `tenants/acme/groups/${inner}`),
        () => drop(i + 1, `tenants/acme/groups/${outer}`),
      ];
      return {
        key,
        questions: asks("/grouped/f.txt"),
        give: async () => {
          membership = (await member("user:gus", inner)).member("id");
        },
        take: turn(i, takes),
      };
    });
  });

  it("revoke of the key, suspension and removal of the user", { timeout }, async () => {
    await playAll(async (i) => {
      const user = `kay-${i}`;
      const { id, key } = await keyOf(user);
      await grant(i, `user:${user}`, "viewer", "/docs");
      const takes = [
        () => drop(i + 1, `keys/${id}`),
        () =>
          by(i + 1).must(200, "PATCH", `/v1/tenants/acme/users/${user}`, {
            body: { status: "suspended" },
          }),
        () => drop(i + 1, `tenants/acme/users/${user}`),
      ];
      const self = { method: "GET", target: "/v1/whoami" };
      return { key, questions: [...asks("/docs/f.txt"), self], take: turn(i, takes) };
    });
  });

  it(
    "suspension of the tenant whose file it is, and of the one who reads it",
    { timeout },
    async () => {
      const { key } = await keyOf("eve", "beta");
      await post(0, "relations", {
        subject: "user:eve",
        subjectTenant: "beta",
        relation: "viewer",
        object: `file:${root}/docs`,
      });
      await post(0, "shares", { path: `${root}/docs`, tenant: "beta" });
      await playAll((i) => {
        const tenant = i % 2 === 0 ? "acme" : "beta";
        return {
          key,
          questions: asks(i % 4 < 2 ? `${root}/docs/f.txt` : "/shared/from-acme/docs/f.txt"),
          ...(i > 0 && {
            give: () => post(i, `tenants/${i % 2 === 1 ? "acme" : "beta"}/reactivate`, {}, 200),
          }),
          take: () => post(i + 1, `tenants/${tenant}/suspend`, {}, 200),
        };
      });
      for (const tenant of ["acme", "beta"])
        await by(0).send("POST", `/v1/tenants/${tenant}/reactivate`, { body: {} });
    },
  );

  it(
    "rename and removal of what was granted: what comes to stand there is not",
    { timeout },
    async () => {
      const { key } = await keyOf("ren");
      await playAll(async (i) => {
        const [at, to] = [`/ren/${i}/dir`, `/ren/${i}/gone`];
        await put(i, `${at}/f.txt`, "first");
        const away =
          i % 2 === 0
            ? () => post(i + 1, "move", { from: root + at, to: root + to })
            : () => drop(i + 1, `files${root}${at}?recursive=true`);
        return {
          key,
          questions: asks(`${at}/f.txt`),
          give: () => grant(i, "user:ren", "viewer", i % 4 < 2 ? at : `${at}/f.txt`),
          take: async () => {
            await away();
            await put(i + 2, `${at}/f.txt`, "second");
          },
        };
      });
      // The grants went along.
      for (const url of urls) {
        const over = connection(url, key);
        await over.must(200, "GET", "/v1/files/ren/0/gone/f.txt");
        over.close();
      }
    },
  );

  it("revoke of a share, revoke of a link", { timeout }, async () => {
    const { key } = await keyOf("sue", "beta");
    await playAll(async (i) => {
      let id = "";
      if (i % 2 === 0)
        return {
          key,
          questions: asks("/shared/from-acme/out/f.txt"),
          give: async () => {
            id = (await post(i, "shares", { path: `${root}/out`, tenant: "beta" })).member("id");
          },
          take: () => drop(i + 1, `shares/${id}`),
        };
      const made = await post(i, "shares", { path: `${root}/link.txt`, link: true });
      id = made.member("id");
      return {
        key: undefined,
        questions: [{ method: "GET", target: made.member("url") }],
        take: () => drop(i + 1, `shares/${id}`),
      };
    });
  });

  it(
    "expiry of a relation, of a membership and of a share, by the clock",
    { timeout },
    async () => {
      const passed: string[] = [];
      await post(0, "tenants/acme/groups", { id: "timed" });
      await grant(0, "group:timed", "viewer", "/grouped");
      const one = async (i: number): Promise<void> => {
        const { key } = await keyOf(`tim-${i}`, i % 3 === 2 ? "beta" : "acme");
        const subject = `user:tim-${i}`;
        // On a busy machine the end may be there before all were asked.
        for (let wait = 500; ; wait *= 2) {
          const at = Date.now() + wait;
          const expiresAt = new Date(at).toISOString();
          const gives = [
            () => grant(i, subject, "viewer", "/docs", { expiresAt }),
            () =>
              post(i, "relations", {
                tenant: "acme",
                subject,
                relation: "member",
                object: "group:timed",
                expiresAt,
              }),
            () => grant(i, subject, "viewer", "/out", { subjectTenant: "beta", expiresAt }),
          ];
          const paths = ["/docs/f.txt", "/grouped/f.txt", `${root}/out/f.txt`];
          try {
            passed.push(
              ...(await play({
                key,
                questions: asks(turn(i, paths)),
                give: turn(i, gives),
                take: async () => {
                  while (Date.now() < at) await sleep(1);
                },
              })),
            );
            return;
          } catch (error) {
            if (wait > 8_000 || Date.now() < at) throw error;
          }
        }
      };
      for (let i = 0; i < rounds; i += 4)
        await Promise.all([0, 1, 2, 3].filter((n) => i + n < rounds).map((n) => one(i + n)));
      expect(passed).toEqual([]);
    },
  );

  it("no commit on a relation comes after its revoke", { timeout }, async () => {
    const { key } = await keyOf("wim");
    const changed: string[] = [];
    let writes = 0;
    for (let i = 0; i < rounds; i++) {
      const path = `/written/${i}`;
      await put(i, path, "0");
      const id = await grant(i, "user:wim", "editor", path);
      let n = 0;
      const write = { method: "PUT", target: `/v1/files${path}`, body: () => `${(n += 1)}` };
      const open = lines(urls, key, [write]);
      const pumps = open.pump();
      await waitFor(() => n > 3 * urls.length);
      await drop(i, `relations/${id}`, 200);
      const since = performance.now();
      const content = () => by(i + 1).must(200, "GET", `/v1/files${root}${path}`);
      const atReturn = (await content()).text;
      const told = await pumps.stop();
      writes += told.filter(({ passed }) => passed).length;
      changed.push(...passedSince(since, told));
      const later = (await content()).text;
      if (later !== atReturn) changed.push(`${path}: ${atReturn} became ${later}`);
      open.close();
    }
    expect(changed).toEqual([]);
    expect(writes).toBeGreaterThan(rounds);
  });

  it.runIf(process.platform === "linux")(
    "a download stops soon after a revoke, and after the end of its relation",
    { timeout: 60_000 },
    async () => {
      await put(0, "/large", "x".repeat(24 * 1024 * 1024));
      const [first] = urls;
      if (first === undefined) throw new Error("There is no server.");
      const [revoked, ended, kept] = await Promise.all(
        ["dan", "deb", "dot"].map((id) => keyOf(id)),
      );
      const id = await grant(0, "user:dan", "viewer", "/large");
      const expiresAt = new Date(Date.now() + 3_000).toISOString();
      await grant(0, "user:deb", "viewer", "/large", { expiresAt });
      await grant(0, "user:dot", "viewer", "/large");
      const begin = (who: Key | undefined) =>
        slowDownload(first, who?.key ?? "", "/v1/files/large");
      const [one, two, three] = [await begin(revoked), await begin(ended), await begin(kept)];
      await drop(1, `relations/${id}`, 200);
      for (const download of [one, two]) {
        await waitFor(async () => !(await download.isOpen()), { timeout: 13_000 });
        expect(await download.drain()).toMatchObject({ complete: false });
      }
      expect(await three.drain()).toEqual({ bytes: 24 * 1024 * 1024, complete: true });
    },
  );

  it(
    "who waits for changes is told nothing after a revoke, and sent away with its key",
    { timeout: 60_000 },
    async () => {
      const [pat, pia, pim] = await Promise.all(["pat", "pia", "pim"].map((id) => keyOf(id)));
      const id = await grant(0, "user:pat", "viewer", "/docs");
      await grant(0, "user:pia", "viewer", "/docs");
      const wait = (who: Key | undefined, url: string | undefined) => {
        const over = connection(url ?? "", who?.key);
        const answer = over.send("GET", "/v1/changes?after=latest&wait=28");
        return answer.finally(() => over.close());
      };
      const began = performance.now();
      const loses = wait(pat, urls[0]);
      const keeps = wait(pia, urls[1]);
      const ends = wait(pim, urls[2]);
      await sleep(300);
      await drop(1, `relations/${id}`, 200);
      await drop(1, `keys/${pim?.id ?? ""}`);
      expect((await ends).status).toBe(401);
      // Long before it would have been told that there is nothing.
      expect(performance.now() - began).toBeLessThan(12_000);
      await put(2, "/docs/news.txt", "news");
      expect((await keeps).text).toContain("/docs/news.txt");
      await drop(1, `keys/${pat?.id ?? ""}`);
      const told = await loses;
      expect(told.status).toBe(401);
      expect(told.text).not.toContain("news");
    },
  );
});
