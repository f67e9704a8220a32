import * as fc from "fast-check";
import { z } from "zod";
import type { Api } from "../support/api.ts";
import type { Operation, Parameter, ServedDocument } from "./served-document.ts";

/** How many requests there are: three for each operation, or what `BULKHEAD_FUZZ_CASES` says. */
export const requests = (operations: number): number =>
  z.coerce
    .number()
    .int()
    .min(1)
    .default(operations * 3)
    .parse(process.env["BULKHEAD_FUZZ_CASES"]);

type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const hostile: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    "\0",
    "a\0b",
    "\ud800",
    "\u{1f4a9}".repeat(300),
    "../../etc/passwd",
    "' or 1=1 --",
    "__proto__",
    "x".repeat(70_000),
    "%00",
    "\u202e\r\nX: y",
    "acme",
    "user:alice",
    "file:/workspace/acme/data",
    "/data/a.txt",
    "2026-11-21T12:00:00Z",
    "99999-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "P1D",
    "2026-13",
  ),
);

const wrong: fc.Arbitrary<unknown> = fc.oneof(
  hostile,
  fc.constantFrom(
    null,
    true,
    -1,
    0,
    1.5,
    1e308,
    Number.MAX_SAFE_INTEGER,
    -Number.MAX_SAFE_INTEGER,
    [],
    {},
    [[[[]]]],
  ),
  fc.array(hostile, { maxLength: 3 }),
  fc.dictionary(hostile, hostile, { maxKeys: 3 }),
);

/** Values near a schema: mostly ones that it accepts, on its bounds too, and now and then something else. */
const valuesOf = (
  schema: unknown,
  schemas: ServedDocument["schemas"],
  depth = 0,
): fc.Arbitrary<unknown> => {
  if (!isSchema(schema) || depth > 6) return wrong;
  const inner = (one: unknown): fc.Arbitrary<unknown> => valuesOf(one, schemas, depth + 1);
  const right = ((): fc.Arbitrary<unknown> => {
    const { $ref, anyOf, oneOf, type, items, properties, additionalProperties } = schema;
    if (typeof $ref === "string") return inner(schemas[$ref.slice($ref.lastIndexOf("/") + 1)]);
    if ("const" in schema) return fc.constant(schema["const"]);
    if (Array.isArray(schema["enum"])) return fc.constantFrom(...schema["enum"]);
    for (const either of [anyOf, oneOf])
      if (Array.isArray(either)) return fc.oneof(...either.map(inner));
    if (isSchema(properties)) {
      const required: readonly unknown[] = Array.isArray(schema["required"])
        ? schema["required"]
        : [];
      return fc.record(
        Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, inner(one)])),
        { requiredKeys: Object.keys(properties).filter((name) => required.includes(name)) },
      );
    }
    if (isSchema(additionalProperties))
      return fc.dictionary(hostile, inner(additionalProperties), { maxKeys: 3 });
    if (type === "array") return fc.array(inner(items), { maxLength: 3 });
    if (type === "boolean") return fc.boolean();
    if (type === "integer" || type === "number") {
      const { minimum: least = -5, maximum: most = Number.MAX_SAFE_INTEGER } = schema;
      return fc.constantFrom(least, most, 0, 1, 2);
    }
    if (type === "string" && schema["format"] === "date-time")
      return fc.constantFrom(
        "2026-11-21T12:00:00Z",
        "2099-01-01T00:00:00+01:00",
        "0000-01-01T00:00:00Z",
      );
    return hostile;
  })();
  return fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wrong });
};

/** What a header can hold at all. */
const headerText = (value: unknown): string =>
  (typeof value === "string" ? value : JSON.stringify(value))
    .replaceAll(/[^\t\x20-\xff]/g, "?")
    .slice(0, 2000)
    .trim();

interface Asked {
  readonly operation: Operation;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

/** Known ids, so that more than the look-up of what is asked about is reached. */
const ids: Readonly<Record<string, readonly string[]>> = {
  path: ["data/a.txt", "data", "new/f.txt", "%2e%2e/x", "a%2fb", "x/%00", "%ff"],
  id: ["acme", "beta", "nobody", "%00", "a%0ab", "%ed%a0%80", "-"],
};

const encoded = (value: string): string => encodeURIComponent(value.toWellFormed()).slice(0, 3000);

const targetOf = (path: string, parts: ReadonlyMap<string, string>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => parts.get(name) ?? "x");

const askedOf = (operation: Operation, schemas: ServedDocument["schemas"]): fc.Arbitrary<Asked> => {
  const { path, body } = operation;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const of = (where: Parameter["in"]) => operation.parameters.filter((one) => one.in === where);
  const some = (given: readonly Parameter[]): fc.Arbitrary<Record<string, unknown>> =>
    fc.record(
      Object.fromEntries(given.map(({ name, schema }) => [name, valuesOf(schema, schemas)])),
      { requiredKeys: given.filter(({ required }) => required === true).map(({ name }) => name) },
    );
  // Half a minute of waiting for changes is what was asked for, no hang.
  const query = of("query").filter(({ name }) => name !== "wait");
  const headers = of("header").filter(({ name }) => !name.includes("{"));
  const content =
    body === undefined
      ? fc.constant(undefined)
      : body === "bytes"
        ? hostile.map((text) => Buffer.from(text))
        : fc.oneof(
            { weight: 8, arbitrary: valuesOf(body, schemas) },
            {
              weight: 2,
              arbitrary: fc.oneof(hostile, fc.constantFrom("[".repeat(50_000), "{", '{"a":1e400}')),
            },
          );
  return fc
    .record({
      parts: fc.tuple(
        ...names.map((name) =>
          fc.oneof(fc.constantFrom(...(ids[name] ?? ids["id"] ?? [])), hostile.map(encoded)),
        ),
      ),
      query: some(query),
      headers: fc.option(some(headers), { nil: {}, freq: 2 }),
      body: content,
    })
    .map((made) => {
      const parts = new Map(names.map((name, i) => [name, made.parts[i] ?? "x"]));
      const search = Object.entries(made.query)
        .map(
          ([name, value]) =>
            `${name}=${encoded(typeof value === "string" ? value : JSON.stringify(value))}`,
        )
        .join("&");
      return {
        operation,
        target: `${targetOf(path, parts)}${search === "" ? "" : `?${search}`}`,
        headers: Object.fromEntries(
          Object.entries(made.headers).map(([name, value]) => [name, headerText(value)]),
        ),
        body: made.body,
      };
    });
};

/** Statuses of 5xx that are no failure of the server: a quota that is used up. */
const meant: ReadonlySet<number> = new Set([507]);

/** Sends requests that are near what the document says, by each of `callers`; each answer is held against it as well. */
export const askedWrongly = async (
  { operations, schemas }: ServedDocument,
  callers: readonly Api[],
): Promise<void> => {
  const one = fc.oneof(...operations.map((operation) => askedOf(operation, schemas)));
  await fc.assert(
    fc.asyncProperty(
      one,
      fc.constantFrom(...callers),
      async ({ operation, target, headers, body }, by) => {
        const answer = await by.send(operation.method, target, { headers, body });
        if (answer.status >= 500 && !meant.has(answer.status))
          throw new Error(
            `${operation.method} ${target} answered ${answer.status}: ${answer.text}`,
          );
      },
    ),
    // Each case changes the server: a smaller one that fails says nothing of the one that failed first.
    { numRuns: requests(operations.length), endOnFailure: true },
  );
};
