import { isFileError, parseBackendPath } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { globMatches, grep, plainContext, streamBody } from "@bulkhead/kit";
import { interpreter, parseModel, QuestionError, tupleSet, validateModel } from "@bulkhead/rebac";
import { ConfigError, parseConfig } from "@bulkhead/server";
import {
  keyInputOf,
  mintRequest,
  relationInputOf,
  grantRequest,
  shareInputOf,
  shareRequest,
} from "@bulkhead/wire";
import { csvAnswer } from "../../packages/front-http/src/csv.ts";
import { parseJson } from "../../packages/front-http/src/json-body.ts";
import { routes } from "../../packages/front-http/src/routes/index.ts";
import {
  parseObject,
  parseSubject,
  permissionOf,
} from "../../packages/policy/src/relations/words.ts";
import { readDocument } from "../../packages/server/src/config-document.ts";
import type { Parser } from "./fuzz.ts";

const invalid = (error: unknown): boolean => isFileError(error, "invalid-request");

const bodies = routes.flatMap(({ takes }) =>
  takes === undefined || takes === "bytes" ? [] : [takes],
);

const dsl = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define parent: [document]
    define owner: [user]
    define reader: [user, user:*, group#member, user with recent] or owner or reader from parent
    define blocked: [user]
    define can_read: reader but not blocked
condition recent(at: timestamp, now: timestamp, days: int, tags: list<string>) {
  now < at + duration("24h") && days < 30 && "a" in tags
}
`;

const head = "model\n  schema 1.1\ntype user\ntype doc\n  relations\n";
const small = [
  `${head}    define a: [user, user:*]\n    define b: a but not c\n    define c: [user]\n`,
  `${head}    define p: [doc]\n    define a: [user, doc#a] or a from p\n`,
  `${head}    define a: [user with c]\ncondition c(x: int, t: duration) {\n  x < 1\n}\n`,
];

const json = JSON.stringify({
  schema_version: "1.1",
  type_definitions: [
    { type: "user" },
    {
      type: "document",
      relations: { reader: { this: {} } },
      metadata: { relations: { reader: { directly_related_user_types: [{ type: "user" }] } } },
    },
  ],
});

const asks = interpreter(await parseModel(dsl));
const facts = tupleSet([
  { subject: "user:alice", relation: "owner", object: "document:a" },
  { subject: "document:a", relation: "parent", object: "document:b" },
  {
    subject: "user:bob",
    relation: "reader",
    object: "document:b",
    condition: { name: "recent", context: { days: 3 } },
  },
]);

const store = memory();
const ctx = plainContext({ signal: new AbortController().signal, requestId: "1" });
async function* content(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("one line\nerror 42: a\u00fc\n");
}
await store.write(ctx, parseBackendPath("logs/a.log"), streamBody(content(), undefined), {});

const configs = [
  "region: eu\nport: ${PORT:-2026}\nplacements:\n  fast: { backend: versioned, options: {} }\n",
  "mounts:\n  - path: /archive\n    backend: local\n    options: { root: ./archive }\n    readOnly: true\n",
  "plans:\n  pro: &pro { limits: { users: 50 }, baseMinor: 9900, overage: bill }\n  more: { <<: *pro }\n",
  "rateLimits: { tenant: 1000, key: 100 }\ntrustedProxies: [127.0.0.1, 10.0.0.0/8]\n",
  "a: &a [1]\nb: *a\n",
  "port: 1\nhost: *nobody\n",
  "&all\nhost: *all\n",
];

/** What reads bodies, and the languages in them. */
export const bodyParsers: readonly Parser[] = [
  {
    name: "JSON bodies",
    seeds: bodies.map(({ example }) => JSON.stringify(example)),
    read: (text, seed) => {
      const body = bodies[seed];
      if (body !== undefined)
        parseJson(Buffer.from(text, text.length % 2 ? "utf8" : "latin1"), body.json);
    },
    refuses: invalid,
  },
  {
    name: "times in bodies",
    seeds: [
      '{"name":"a","expiresAt":"2026-11-21T12:00:00.000Z"}',
      '{"name":"a","expiresAt":"0000-01-01T00:00:00+23:59"}',
    ],
    read: (text) => {
      const { expiresAt } = keyInputOf(parseJson(Buffer.from(text), mintRequest));
      if (expiresAt !== undefined && !Number.isSafeInteger(expiresAt))
        throw new Error("a time that is none");
    },
    refuses: invalid,
  },
  {
    name: "relations in bodies",
    seeds: [
      JSON.stringify({
        subject: "user:alice",
        relation: "editor",
        object: "file:/workspace/acme/a",
      }),
      JSON.stringify({
        subject: "group:s#member",
        relation: "x",
        object: "d:1",
        condition: { name: "c", context: {} },
        expiresAt: "2026-11-21T12:00:00Z",
      }),
    ],
    read: (text) => relationInputOf(parseJson(Buffer.from(text), grantRequest)),
    refuses: invalid,
  },
  {
    name: "shares in bodies",
    seeds: [
      JSON.stringify({ path: "/a", link: true, expiresInDays: 0.5, maxUses: 3, password: "x" }),
      JSON.stringify({ path: "/a", tenant: "beta", expiresAt: "2026-11-21T12:00:00Z" }),
    ],
    read: (text) => shareInputOf(parseJson(Buffer.from(text), shareRequest), 1_700_000_000_000),
    refuses: invalid,
  },
  {
    name: "globs",
    seeds: ["**/*.csv", "{a,b{c,d}}/[!x-z]?", "a\\*/[[]b", "{{a,b},{c,d}}{e,f}", "**/**"],
    read: (text) => globMatches(text, ["data", "2026", "report.csv"]),
    refuses: invalid,
  },
  {
    name: "regular expressions",
    cost: 5,
    seeds: [
      "error [0-9]+",
      "(a+)+$",
      "^(?i:a|b)*?[^\\w\\s]{2,5}\\p{L}",
      "(((a{9}){9}){9})",
      "\\b.x",
    ],
    read: async (pattern) => {
      for await (const match of grep(store, ctx, parseBackendPath(""), {
        pattern,
        include: "*.log",
        ignoreCase: pattern.length % 2 === 0,
      }))
        if (match.line > 2) throw new Error("a line that is not there");
    },
    refuses: invalid,
  },
  {
    name: "models",
    cost: 10,
    seeds: [...small, json, dsl],
    read: validateModel,
    refuses: (error) => invalid(error) || isFileError(error, "too-large"),
  },
  {
    name: "facts, questions and contexts of a model",
    seeds: [
      '["user:bob","reader","document:b",{"now":"2026-11-21T12:00:00Z","at":"2026-11-21T00:00:00Z","days":3,"tags":["a"]}]',
      '["group:a#member","member","group:b",{}]',
      '["user:*","can_read","document:a",{"now":1,"days":"x","tags":[[[]]]}]',
    ],
    read: (text) => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return;
      }
      if (!Array.isArray(value)) return;
      const [subject, relation, object] = value.map(String);
      const given: unknown = value[3];
      const context =
        typeof given === "object" && given !== null
          ? Object.fromEntries(Object.entries(given))
          : {};
      const question = { subject: subject ?? "", relation: relation ?? "", object: object ?? "" };
      const ask = [
        () => asks.checkTuple({ ...question, condition: { name: "recent", context } }),
        () => asks.check(facts, { ...question, context }),
        () => asks.expand(facts, question),
        () => asks.listSubjects(facts, { ...question, filter: question.subject, context }),
        () => asks.listObjects(facts, { ...question, type: question.object, context }),
        () => asks.check(facts, { ...question, context, contextual: [question] }),
      ];
      for (const one of ask)
        try {
          one();
        } catch (error) {
          if (!(error instanceof QuestionError)) throw error;
        }
    },
    refuses: () => false,
  },
  {
    name: "names in relations",
    seeds: [
      "user:alice",
      "group:staff#member",
      "tenant:beta#member",
      "user:*",
      "file:/a/b/*",
      "can_read",
    ],
    read: (text) => {
      for (const parse of [parseSubject, parseObject, permissionOf])
        try {
          parse(text);
        } catch (error) {
          if (!invalid(error) && !isFileError(error, "invalid-path")) throw error;
        }
    },
    refuses: () => false,
  },
  {
    name: "configurations",
    cost: 4,
    seeds: configs,
    read: (text) =>
      parseConfig(readDocument(text, "bulkhead.yaml", { PORT: "1", HOME: "/" }).value),
    refuses: (error) => error instanceof ConfigError,
  },
  {
    name: "tables",
    seeds: ["=1+1", "@a,b", '"quoted"\r\n', "-5", "\t=x"],
    read: (text) => {
      const { text: csv = "" } = csvAnswer("t", ["a", "b"], [{ a: text, b: 1 }]);
      const cell = csv.slice("a,b\r\n".length).replace(/^"/, "");
      if (/^[=+\-@\t\r]/.test(cell)) throw new Error("a formula");
    },
    refuses: () => false,
  },
];
