import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { api, type Answer } from "../support/api.ts";
import { mintedOf } from "../support/shapes.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { plant, type Planted } from "./plant.ts";
import { operationNames, operations } from "./requests.ts";

/** What the server tells its ledger by itself, every few seconds, whoever calls. */
const background = [
  "denials_v1",
  "roots_since_",
  "usage_",
  "audit_unsigned_v1",
  "lease_",
  "_sweep_",
  "_watch_",
  "versions_over_",
  "trial_ends_at",
  "job_claim_v1",
  "outbox_claim_v1",
  "update bulkhead.lease",
  "last_used_at",
  "bulkhead.intent where lease",
  // A connection that is opened for it.
  "current_user as role",
];

/** The name of a statement, or its text where it has none. */
const statementOf = (config: unknown): string => {
  const part = (name: string): unknown =>
    typeof config === "object" && config !== null ? Reflect.get(config, name) : undefined;
  return String(part("name") ?? part("text") ?? config);
};

/** An answer without what differs between any two: its request id and the time. */
const constantPart = ({ status, headers, text }: Answer): unknown => ({
  status,
  headers: [...headers].filter(([name]) => name !== "date" && name !== "x-request-id"),
  text: text.replace(/"requestId":"[^"]*"/, '"requestId":"…"'),
});

describe("what lies outside the workspace", () => {
  let server: TestServer;
  let own: Planted;
  let other: Planted;

  beforeAll(async () => {
    server = await startServer();
    const platform = api(server.url, server.platformKey);
    own = await plant(server.url, platform, "tenant-a", 70_001);
    other = await plant(server.url, platform, "tenant-b", 71_003);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** Five targets of which two exist, at the same depth, by names of the same length. */
  const targets = (): readonly (readonly string[])[] => {
    const [directory = "", file = ""] = other.file.split("/");
    const missing = "0".repeat(directory.length);
    return [
      ["workspace", "tenant-b", directory, file],
      ["workspace", "tenant-b", missing, file],
      ["workspace", "tenant-z", directory, file],
      ["workspace", "tenant-b", directory],
      ["tenants", "tenant-b", directory],
    ];
  };

  /** The statements that one call makes the server send to its ledger. */
  const counted = async (
    call: () => Promise<Answer>,
  ): Promise<{ answer: Answer; statements: readonly string[] }> => {
    const statements: string[] = [];
    const original: unknown = Reflect.get(pg.Client.prototype, "query");
    const spy = vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (
      this: pg.Client,
      ...args: unknown[]
    ) {
      const statement = statementOf(args[0]);
      if (!background.some((own) => statement.includes(own))) statements.push(statement);
      return typeof original === "function" ? Reflect.apply(original, this, args) : undefined;
    });
    try {
      return { answer: await call(), statements };
    } finally {
      spy.mockRestore();
    }
  };

  /** Again where the server's own work came in between: what a call asks itself it asks each time. */
  const alone = async (
    call: () => Promise<Answer>,
    most: number,
  ): Promise<{ answer: Answer; statements: readonly string[] }> => {
    let one = await counted(call);
    for (let i = 0; i < 3 && one.statements.length > most; i++) one = await counted(call);
    return one;
  };

  it.each(operationNames)(
    "%s: one answer, the same bytes and the same statements, whether it exists or not",
    async (name) => {
      const { ends, send } = operations[name];
      const pairs = targets().flatMap((target): (readonly (readonly string[])[])[] =>
        ends === 1
          ? [[target]]
          : [
              [target, ["mine"]],
              [["data"], target],
            ],
      );
      const seen: { answer: Answer; statements: readonly string[] }[] = [];
      for (const paths of pairs) seen.push(await alone(() => send(own.api, ...paths), 1));
      const first = seen[0]?.answer;
      for (const { answer, statements } of seen) {
        expect(answer.status).toBe(403);
        expect(constantPart(answer)).toEqual(first && constantPart(first));
        // Of who asks the revisions are read once, and nothing about the target ever.
        expect(statements).toEqual(["snapshot_v1"]);
      }
    },
  );

  it("costs one statement more where something is really done, and its answer is what is there", async () => {
    await own.api.send("PUT", "/v1/files/data/mine", { body: "x" });
    for (const [name, status] of [
      ["mine", 200],
      ["made", 201],
    ] as const) {
      let path = "";
      let made = 0;
      const put = await alone(() => {
        path = status === 200 ? `data/${name}` : `data/${name}-${(made += 1)}`;
        return own.api.send("PUT", `/v1/files/${path}`, { body: "xy" });
      }, 2);
      expect(put.answer.status).toBe(status);
      expect(put.statements).toEqual(["snapshot_v1", expect.stringMatching(/^commit_write_/)]);
      const got = await alone(() => own.api.send("GET", `/v1/files/${path}`), 2);
      expect(got.answer.text).toBe("xy");
      expect(got.statements).toEqual(["snapshot_v1", "tree_read_v3"]);
      for (const header of ["etag", "last-modified", "x-bulkhead-version"])
        expect(got.answer.headers.get(header)).toBe(put.answer.headers.get(header));
      const stat = await own.api.send("GET", `/v1/stat/${path}`);
      expect(put.answer.json).toEqual(stat.json);
      expect(stat.json).toMatchObject({ size: 2, createdAt: expect.anything() });
    }
    // Whoever may not look learns what it wrote, and not since when there is something.
    const minted = await api(server.url, server.platformKey).send("POST", "/v1/keys", {
      body: { name: "w", workspacePrefix: "/workspace/tenant-a", scopes: ["write"] },
    });
    const blind = api(server.url, mintedOf(minted).key);
    for (const send of [
      () => blind.send("PUT", "/v1/files/data/mine", { body: "xyz" }),
      () => blind.send("POST", "/v1/append/data/mine", { body: "!" }),
    ]) {
      const { status, json } = await send();
      expect(status).toBe(200);
      expect(json).toMatchObject({ createdAt: null });
    }
  });

  it("says the same of every key it does not know", async () => {
    const last = own.key.slice(-1) === "A" ? "B" : "A";
    const revoked = await api(server.url, server.platformKey).send("POST", "/v1/keys", {
      body: { name: "r", workspacePrefix: "/workspace/tenant-a" },
    });
    const { id, key } = mintedOf(revoked);
    await api(server.url, server.platformKey).send("DELETE", `/v1/keys/${id}`);
    const keys = [
      undefined,
      "",
      "x",
      `${own.key.slice(0, -1)}${last}`,
      own.key.slice(0, 20),
      key,
      `bhk_${"0".repeat(16)}_${"0".repeat(43)}`,
    ];
    const answers = await Promise.all(
      keys.map((each) => api(server.url, each).send("GET", "/v1/stat/data")),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(constantPart(answer)).toEqual(answers[0] && constantPart(answers[0]));
    }
  });
});
