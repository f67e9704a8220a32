import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { errorStatuses } from "@bulkhead/wire";
import { errorCodes } from "@bulkhead/contract";
import { person } from "./related.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

/** How many requests; `BULKHEAD_EXPLAINED=10000` for a long run. */
const wanted = Number(process.env["BULKHEAD_EXPLAINED"] ?? 600);
const seed = Number(process.env["BULKHEAD_SEED"] ?? 20_261_121);

/** Repeatable numbers (Mulberry32, public domain). */
const random = (start: number): (() => number) => {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};
const next = random(seed);
const upTo = (n: number): number => Math.floor(next() * n);
const oneOf = <T>(among: readonly T[]): T => {
  const found = among[upTo(among.length)];
  if (found === undefined) throw new Error("There is nothing to choose from.");
  return found;
};
const chance = (p: number): boolean => next() < p;

interface Reply {
  readonly status: number;
  readonly json: unknown;
}

/** Whoever asks. */
interface Asker {
  readonly key: string;
  readonly tenant: string;
  readonly subject: string;
  readonly home: string;
}

interface Operation {
  readonly operation: string;
  readonly path: string;
  readonly to?: string;
}

const ids = ["alpha", "beta", "gamma", "delta"] as const;
/** The one that is suspended. */
const shut = "delta";
const users = ["u0", "u1", "u2"] as const;
const directories = ["docs", "docs/deep", "work", "work/deep", "out"] as const;
const files = directories.flatMap((directory) => [`${directory}/f`, `${directory}/g`]);
const scopeSets = [
  ["read"],
  ["read", "share"],
  ["read", "write"],
  ["read", "write", "share", "admin"],
];

let server: TestServer;
let agent: Agent;
const askers: Asker[] = [];

const send = (key: string, method: string, path: string, body?: unknown): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const { hostname, port } = new URL(server.url);
    const sent = request({
      agent,
      hostname,
      port,
      method,
      path: path
        .split("/")
        .map(encodeURIComponent)
        .join("/")
        .replaceAll("%3F", "?")
        .replaceAll("%3D", "="),
      headers: {
        authorization: `Bearer ${key}`,
        ...(typeof body === "object" && { "content-type": "application/json" }),
        "content-length": Buffer.byteLength(text),
      },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { statusCode: status = 0 } = response;
        let json: unknown;
        try {
          json = JSON.parse(Buffer.concat(chunks).toString("utf8"));
        } catch {
          json = undefined;
        }
        resolve({ status, json });
      });
    });
    sent.end(text);
  });
const platform = (method: string, path: string, body?: unknown): Promise<Reply> =>
  send(server.platformKey, method, path, body);
const must = async (reply: Promise<Reply>): Promise<unknown> => {
  const { status, json } = await reply;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(json)}`);
  return json;
};
const memberOf = (json: unknown, name: string): unknown => Reflect.get(Object(json), name);

const mint = async (tenant: string, body: object, subject: string): Promise<void> => {
  const json = await must(platform("POST", "/v1/keys", { tenant, name: "k", ...body }));
  const who = await must(send(String(memberOf(json, "key")), "GET", "/v1/whoami"));
  askers.push({
    key: String(memberOf(json, "key")),
    tenant,
    subject,
    home: String(memberOf(who, "home")),
  });
};

/** Tenants of the same shape with users, groups, grants and denies at random, and what crosses between them. */
beforeAll(async () => {
  server = await startServer();
  agent = new Agent({ keepAlive: true, maxSockets: 4 });
  for (const id of ids) {
    await must(platform("POST", "/v1/tenants", { id }));
    for (const file of files)
      await must(platform("PUT", `/v1/files/workspace/${id}/${file}`, file));
    await must(platform("POST", `/v1/tenants/${id}/groups`, { id: "staff" }));
    for (const user of [...users, `chief-${id}`]) {
      const role = user.startsWith("chief") ? "admin" : "member";
      await must(platform("POST", `/v1/tenants/${id}/users`, { id: user, role }));
    }
  }
  for (const tenant of ids) {
    const root = `/workspace/${tenant}`;
    const grant = (subject: string, relation: string, path: string, more = {}) =>
      platform("POST", "/v1/relations", {
        tenant,
        subjectTenant: tenant,
        subject,
        relation,
        object: `file:${root}/${path}`,
        ...more,
      });
    const member = { tenant, subjectTenant: tenant, relation: "member", object: "group:staff" };
    await must(platform("POST", "/v1/relations", { ...member, subject: "user:u1" }));
    for (const subject of ["user:u0", "user:u1", "user:u2", "group:staff#member", "user:*"])
      for (let i = 0; i < 3; i++) {
        const role =
          subject === "user:*"
            ? "viewer"
            : oneOf(["viewer", "viewer", "editor", "owner", "blocked"]);
        const path = oneOf<string>([...directories, ...files, "docs/*", "work/*"]);
        await must(grant(subject, role, path));
      }
    for (const user of users)
      for (const scopes of [oneOf(scopeSets), ["read", "write", "share"]])
        await mint(tenant, { subject: { type: "user", id: user }, scopes }, `user:${user}`);
    await mint(
      tenant,
      { subject: { type: "user", id: `chief-${tenant}` }, scopes: oneOf(scopeSets) },
      `user:chief-${tenant}`,
    );
    for (const prefix of ["", "/docs", "/work/deep"])
      await mint(tenant, { workspacePrefix: root + prefix, scopes: oneOf(scopeSets) }, "");
    for (const other of ids)
      if (other !== tenant) {
        const to = oneOf([{ tenant: other }, { tenant: other, permission: "can_write" }]);
        await must(
          platform("POST", "/v1/shares", {
            path: `${root}/${oneOf([...directories, ...files])}`,
            ...to,
          }),
        );
        const crossing = { subjectTenant: other, object: `file:${root}/${oneOf(files)}` };
        const relation = oneOf(["viewer", "editor"]);
        await must(
          platform("POST", "/v1/relations", { subject: "user:u2", relation, ...crossing }),
        );
      }
  }
  await must(platform("POST", `/v1/tenants/${shut}/suspend`, {}));
}, 120_000);
afterAll(async () => {
  agent.destroy();
  await server[Symbol.asyncDispose]();
});

const bodyless: Readonly<Record<string, string>> = {
  read: "GET",
  stat: "GET",
  list: "GET",
  remove: "DELETE",
};

/** The request that is explained. */
const carryOut = (key: string, { operation, path, to }: Operation): Promise<Reply> => {
  switch (operation) {
    case "read":
      return send(key, "GET", `/v1/files${path}`);
    case "write":
      return send(key, "PUT", `/v1/files${path}`, "written");
    case "remove":
      return send(key, "DELETE", `/v1/files${path}?recursive=true`);
    case "mkdir":
      return send(key, "POST", "/v1/mkdir", { path });
    case "copy":
    case "move":
      return send(key, "POST", `/v1/${operation}`, { from: path, to, mode: "overwrite" });
    default:
      return send(key, bodyless[operation] ?? "GET", `/v1/${operation}${path}`);
  }
};

/** Which of the four questions refused it. */
const questionOf = (explained: unknown): string | undefined => {
  const steps: unknown = memberOf(explained, "steps");
  if (!Array.isArray(steps)) throw new Error(`No steps: ${JSON.stringify(explained)}`);
  const step: unknown = memberOf(
    steps.find((each: unknown) => memberOf(each, "outcome") === "denied"),
    "step",
  );
  return typeof step === "string" ? step : undefined;
};

const somewhere = (tenant: string): string => {
  const at = oneOf<string>([
    ...directories,
    ...files,
    ...files,
    `${oneOf(directories)}/new${upTo(50)}`,
  ]);
  return `/workspace/${tenant}/${at}`;
};
const behindShare = (tenant: string): string => {
  const owner = oneOf(ids.filter((id) => id !== tenant));
  const name = oneOf(["docs", "deep", "work", "out", "f", "g"]);
  return `/workspace/${tenant}/shared/from-${owner}/${name}${oneOf(["", "/f", "/g", "/deep", "/deep/f", "/n"])}`;
};

/** A request; most of those of `aim` are refused by that question. */
const draw = (aim: string): readonly [Asker, Operation] => {
  const writes = aim === "scopes" || chance(0.5);
  const among = askers.filter(({ tenant, subject }) =>
    aim === "tenant"
      ? chance(0.5) || tenant === shut
      : aim !== "relations" || (tenant !== shut && subject !== ""),
  );
  const asker = oneOf(among.filter(({ tenant }) => aim === "tenant" || tenant !== shut));
  const place = (): string => {
    const own =
      chance(0.15) && aim !== "scopes" ? behindShare(asker.tenant) : somewhere(asker.tenant);
    if (aim === "bounds") return chance(0.8) ? somewhere(oneOf(ids)) : own;
    if (aim === "tenant" && asker.tenant !== shut)
      return `/workspace/${asker.tenant}/shared/from-${shut}/${oneOf(["docs", "out", "f", "deep"])}`;
    return own;
  };
  const operation = writes
    ? oneOf(["write", "write", "mkdir", "remove", "copy", "move"])
    : oneOf(["read", "stat", "list"]);
  const path = place();
  return [
    asker,
    { operation, path, ...((operation === "copy" || operation === "move") && { to: place() }) },
  ];
};

it(
  `explain decides as the request is decided, for ${wanted} requests (seed ${seed})`,
  { timeout: 60_000 + wanted * 100 },
  async () => {
    const denied: Record<string, number> = { bounds: 0, tenant: 0, scopes: 0, relations: 0 };
    const quota = Math.ceil(wanted * 0.205);
    const aims = ["bounds", "tenant", "scopes", "relations"];
    const wrong: unknown[] = [];
    const decisions = { allowed: 0, denied: 0 };
    let asked = 0;
    let drawn = 0;
    while (asked < wanted) {
      if ((drawn += 1) > wanted * 20)
        throw new Error(`Too few of one kind: ${JSON.stringify(denied)}`);
      const short = aims.filter((aim) => (denied[aim] ?? 0) < quota);
      const open = wanted - asked - short.reduce((sum, aim) => sum + quota - (denied[aim] ?? 0), 0);
      const aim = open > 0 && chance(0.3) ? "" : oneOf(short.length > 0 ? short : [""]);
      const [asker, operation] = draw(aim);
      // The keys of a suspended tenant ask nothing; what theirs would be told, the platform is.
      const suspended = asker.tenant === shut;
      if (suspended && !asker.subject.startsWith("user:chief")) continue;
      const explained = await (suspended
        ? platform("POST", "/v1/explain", { ...operation, subject: asker.subject })
        : send(asker.key, "POST", "/v1/explain", operation));
      if (explained.status !== 200)
        throw new Error(`${explained.status} ${JSON.stringify([operation, explained.json])}`);
      const question = questionOf(explained.json);
      // Enough of this kind: the sample is to show all.
      if (
        question === undefined
          ? open <= 0
          : question in denied
            ? (denied[question] ?? 0) >= quota && open <= 0
            : open <= 0
      )
        continue;
      const real = await carryOut(asker.key, operation);
      asked += 1;
      if (question !== undefined && question in denied)
        denied[question] = (denied[question] ?? 0) + 1;
      const decision = memberOf(explained.json, "decision");
      const code = memberOf(explained.json, "code");
      decisions[decision === "allowed" ? "allowed" : "denied"] += 1;
      const known = errorCodes.find((each) => each === code);
      const agrees =
        decision === "allowed"
          ? // What stands in the way is not asked of who may.
            real.status < 300 || (real.status === 409 && operation.operation !== "read")
          : known !== undefined &&
            real.status === errorStatuses[known].status &&
            memberOf(real.json, "code") === code;
      if (!agrees)
        wrong.push([
          asker.subject,
          asker.tenant,
          asker.home,
          operation,
          question,
          code,
          real.status,
          real.json,
        ]);
    }
    console.log(asked, drawn, denied, decisions, wrong.length);
    expect(wrong).toEqual([]);
    for (const aim of aims) expect(denied[aim]).toBeGreaterThanOrEqual(wanted / 5);
    expect(decisions.allowed).toBeGreaterThan(wanted / 10);
  },
);
