import { Validator } from "@seriousme/openapi-schema-validator";
import { memory } from "@bulkhead/backend-memory";
import { z } from "zod";
import { afterAll, describe, expect, it } from "vitest";
import { routes } from "../routes/index.ts";
import { docsPage } from "../docs/page.ts";
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

describe("GET /docs", async () => {
  const world = await worldOver(memory());
  afterAll(world.close);
  it("is a page with every operation, in a policy that lets nothing in from elsewhere", async () => {
    const page = await fetch(`${world.url}/docs`);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; style-src 'self'; /);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const html = await page.text();
    for (const { id } of routes) expect(html).toContain(`<article id="${id}">`);
    for (const name of Object.keys(components)) expect(html).toContain(`id="schema-${name}"`);
    expect(html).not.toMatch(/<script|style=|\son\w+=|(?:src|href)="(?:https?:)?\/\//);
    const targets = [...html.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target);
    for (const target of new Set(targets)) expect(html).toContain(`id="${target}"`);
    const style = await fetch(`${world.url}/docs/page.css`);
    expect(style.headers.get("content-type")).toBe("text/css; charset=utf-8");
    expect(await style.text()).not.toContain("url(");
  });
  it("takes what a document says for text", () => {
    const hostile = "<img src=x onerror=alert(1)>`\"'&";
    const html = docsPage({
      ...document,
      info: { title: hostile, version: "1", description: hostile },
    });
    expect(html).not.toContain("<img");
    expect(html).toContain("&lt;img src=x onerror=alert(1)&gt;");
  });
});
