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
      for (const paths of pairs) seen.push(await counted(() => send(own.api, ...paths)));
      const first = seen[0]?.answer;
      for (const { answer, statements } of seen) {
        expect(answer.status).toBe(403);
        expect(constantPart(answer)).toEqual(first && constantPart(first));
        // Of who asks the revisions are read once, and nothing about the target ever.
        expect(statements).toEqual(["snapshot_v1"]);
      }
    },
  );

  it("costs more statements where something is really done", async () => {
    const { statements } = await counted(() =>
      own.api.send("PUT", "/v1/files/mine", { body: "x" }),
    );
    expect(statements.filter((name) => name.startsWith("commit_write_"))).toHaveLength(1);
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
