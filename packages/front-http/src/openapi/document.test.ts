import { Validator } from "@seriousme/openapi-schema-validator";
import { memory } from "@bulkhead/backend-memory";
import { z } from "zod";
import { afterAll, describe, expect, it } from "vitest";
import { routes } from "../routes/index.ts";
import { worldOver } from "../test/world.ts";
import { components } from "./components.ts";
import { openApiDocument } from "./document.ts";
import { answerHeaders, requestHeaders } from "./headers.ts";
import { pathOf } from "./operation.ts";

const document = z
  .looseObject({
    paths: z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string() }))),
  })
  .parse(JSON.parse(JSON.stringify(openApiDocument(routes, "1.2.3"))));

const refsOf = (value: unknown): readonly string[] =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([name, inner]) =>
        name === "$ref" && typeof inner === "string" ? [inner] : refsOf(inner),
      );

const at = (pointer: string): unknown =>
  pointer
    .slice(2)
    .split("/")
    .reduce<unknown>(
      (value, name) =>
        typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined,
      document,
    );

describe("the OpenAPI document", () => {
  it("is one, as the schema of OpenAPI 3.1 says", async () => {
    const result = await new Validator().validate(structuredClone(document));
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
  });
  it("refers to nothing that is not there", () => {
    for (const ref of new Set(refsOf(document))) expect(at(ref), ref).toBeDefined();
  });
  it("has every route once, under a name of its own", () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual(
      routes.map((route) => `${route.method} ${pathOf(route)}`).toSorted(),
    );
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
  it("gives examples that its schemas accept", () => {
    for (const { id, takes } of routes)
      if (takes !== undefined && takes !== "bytes")
        expect(takes.json.safeParse(takes.example).error, id).toBeUndefined();
    const examples = { ...components, ...requestHeaders, ...answerHeaders };
    for (const [name, { schema, example }] of Object.entries(examples))
      if (example !== undefined) expect(schema.safeParse(example).error, name).toBeUndefined();
  });
});

describe("GET /openapi.json", async () => {
  const world = await worldOver(memory());
  afterAll(world.close);
  it("answers it without a key, and not again to who has it", async () => {
    const first = await fetch(`${world.url}/openapi.json`);
    expect(first.status).toBe(200);
    expect(first.headers.get("content-type")).toBe("application/json");
    expect(await first.json()).toEqual(document);
    const etag = first.headers.get("etag") ?? "";
    const again = await fetch(`${world.url}/openapi.json`, { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    const other = await fetch(`${world.url}/openapi.json`, { headers: { "if-none-match": '"x"' } });
    expect(other.status).toBe(200);
    await other.text();
    const head = await fetch(`${world.url}/openapi.json`, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(first.headers.get("content-length"));
  });
});
