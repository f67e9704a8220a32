import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { errorStatuses } from "@bulkhead/wire";
import { errorCodes } from "@bulkhead/contract";
import { startServer, type TestServer } from "../support/start-server.ts";

/** How many requests; `BULKHEAD_EXPLAINED=10000` for a long run. */
const wanted = Number(process.env["BULKHEAD_EXPLAINED"] ?? 400);
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
  readonly scopes: readonly string[];
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

const mint = async (
  tenant: string,
  scopes: readonly string[],
  body: object,
  subject = "",
): Promise<void> => {
  const json = await must(platform("POST", "/v1/keys", { tenant, name: "k", scopes, ...body }));
  askers.push({ key: String(memberOf(json, "key")), tenant, subject, scopes });
};

const subjects = ["user:u0", "user:u1", "user:u2", "group:staff#member", "user:*"];
const roles = ["viewer", "viewer", "editor", "owner", "blocked"];

/** Puts files and relations at random; what cannot be there any more is left. */
const plant = async (tenant: string, grants: number): Promise<void> => {
  const root = `/workspace/${tenant}`;
  for (const file of files) await platform("PUT", `/v1/files${root}/${file}`, file);
  for (let i = 0; i < grants; i++) {
    const subject = oneOf(subjects);
    const relation = subject === "user:*" ? "viewer" : oneOf(roles);
    const object = `file:${root}/${oneOf<string>([...directories, ...files, "docs/*", "work/*"])}`;
    const of = { tenant, subjectTenant: tenant };
    await platform("POST", "/v1/relations", { ...of, subject, relation, object });
  }
};

/** What one tenant gives another: a share, and a relation to a user. */
const cross = async (tenant: string, other: string): Promise<void> => {
  const root = `/workspace/${tenant}`;
  const path = `${root}/${oneOf([...directories, ...files])}`;
  const permission = oneOf(["can_read", "can_write"]);
  await must(platform("POST", "/v1/shares", { path, tenant: other, permission }));
  const crossing = { subjectTenant: other, object: `file:${root}/${oneOf(files)}` };
  const relation = oneOf(["viewer", "editor"]);
  await must(platform("POST", "/v1/relations", { subject: "user:u2", relation, ...crossing }));
};

/** Tenants of the same shape with users, groups, grants and denies at random, and what crosses between them. */
beforeAll(async () => {
  server = await startServer();
  agent = new Agent({ keepAlive: true, maxSockets: 4 });
  for (const id of ids) {
    await must(platform("POST", "/v1/tenants", { id }));
    await must(platform("POST", `/v1/tenants/${id}/groups`, { id: "staff" }));
    for (const user of [...users, `chief-${id}`]) {
      const role = user.startsWith("chief") ? "admin" : "member";
      await must(platform("POST", `/v1/tenants/${id}/users`, { id: user, role }));
    }
    const member = { tenant: id, subjectTenant: id, relation: "member", object: "group:staff" };
    await must(platform("POST", "/v1/relations", { ...member, subject: "user:u1" }));
    await plant(id, 15);
    const person = (user: string, scopes: readonly string[]) =>
      mint(id, scopes, { subject: { type: "user", id: user } }, `user:${user}`);
    for (const user of users)
      for (const scopes of [oneOf(scopeSets), ["read", "write", "share"]])
        await person(user, scopes);
    await person(`chief-${id}`, oneOf(scopeSets));
    for (const prefix of ["", "/docs", "/work/deep"])
      await mint(id, oneOf(scopeSets), { workspacePrefix: `/workspace/${id}${prefix}` });
  }
  for (const id of ids) for (const other of ids) if (other !== id) await cross(id, other);
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
const sharedNames = ["docs", "deep", "work", "out", "f", "g"];
const behindShare = (tenant: string): string => {
  if (chance(0.1)) return `/workspace/${tenant}${oneOf(["", "/shared", "/shared/from-beta"])}`;
  const owner = oneOf(ids.filter((id) => id !== tenant));
  const name = oneOf(sharedNames);
  return `/workspace/${tenant}/shared/from-${owner}/${name}${oneOf(["", "/f", "/g", "/deep", "/deep/f", "/n"])}`;
};

/** Those whose requests are most likely refused by the question aimed at. */
const fits = (aim: string, { tenant, subject, scopes }: Asker): boolean => {
  // The keys of a suspended tenant ask nothing; of what theirs are told the platform asks, by a name that one tenant has.
  const isChief = subject.startsWith("user:chief");
  if (tenant === shut) return aim === "tenant" && isChief;
  const mayWrite = scopes.includes("write");
  if (aim === "scopes") return !mayWrite;
  if (aim === "relations") return mayWrite && subject !== "" && !isChief;
  if (aim === "") return isChief || subject === "user:u0";
  return true;
};

/** A request; most of those of `aim` are refused by that question. */
const draw = (aim: string): readonly [Asker, Operation] => {
  const suspended = aim === "tenant" && chance(0.5);
  const asker = oneOf(
    askers.filter((each) => fits(aim, each) && suspended === (each.tenant === shut)),
  );
  const { tenant, scopes } = asker;
  const place = (): string => {
    if (aim === "bounds" && chance(0.8)) return somewhere(oneOf(ids));
    if (aim === "tenant" && !suspended)
      return `/workspace/${tenant}/shared/from-${shut}/${oneOf(sharedNames)}`;
    if (aim === "" && chance(0.7)) return `/workspace/${tenant}/${oneOf(files)}`;
    return chance(aim === "scopes" ? 0.05 : 0.15) ? behindShare(tenant) : somewhere(tenant);
  };
  const writes = aim === "scopes" || (scopes.includes("write") && chance(0.5));
  const operation = writes
    ? oneOf(["write", "write", "mkdir", "remove", "copy", "move"])
    : oneOf(["read", "stat", "list"]);
  const path = place();
  if (operation !== "copy" && operation !== "move") return [asker, { operation, path }];
  let to = place();
  // What that is answered with depends on the mode, which is no part of the question.
  while (to === path) to = place();
  return [asker, { operation, path, to }];
};

it(
  `explain decides as the request is decided, for ${wanted} requests (seed ${seed})`,
  { timeout: 60_000 + wanted * 100 },
  async () => {
    const denied: Record<string, number> = { bounds: 0, tenant: 0, scopes: 0, relations: 0 };
    const quota = Math.ceil(wanted * 0.202);
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
      const explained = await (asker.tenant === shut
        ? platform("POST", "/v1/explain", { ...operation, subject: asker.subject })
        : send(asker.key, "POST", "/v1/explain", operation));
      if (explained.status !== 200)
        throw new Error(`${explained.status} ${JSON.stringify([operation, explained.json])}`);
      const question = questionOf(explained.json);
      // Enough of this kind: the sample is to show all.
      const lacking =
        question !== undefined && question in denied && (denied[question] ?? 0) < quota;
      if (!lacking && (open <= 0 || (question !== undefined && question in denied))) continue;
      const real = await carryOut(asker.key, operation);
      asked += 1;
      // What was removed meanwhile, with all that was granted on it, would leave little to allow.
      if (asked % 100 === 0) for (const id of ids) if (id !== shut) await plant(id, 6);
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
          operation,
          question,
          code,
          real.status,
          real.json,
        ]);
    }
    expect(wrong).toEqual([]);
    for (const aim of aims) expect(denied[aim]).toBeGreaterThanOrEqual(wanted / 5);
    expect(decisions.allowed).toBeGreaterThan(wanted / 20);
  },
);
