import { markup, paragraphs, prose } from "./markup.ts";
import { operationMarkup, type Placed } from "./operation-markup.ts";
import { membersOf, typeOf } from "./schema-markup.ts";
import { shownOf } from "./shown.ts";

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** Renders an OpenAPI document as a page: no script, nothing from elsewhere but its style sheet. */
export const docsPage = (value: unknown): string => {
  const document = shownOf(value);
  const { info, tags, paths, components } = document;
  const placed: readonly Placed[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const headers = [
    "Bulkhead-Workspace-Prefix",
    "X-Tenant-ID",
    "Bulkhead-As",
    "Bulkhead-Namespace",
    "X-Request-Id",
    "traceparent",
  ];
  const common = Object.values(components.parameters).filter(({ name }) => headers.includes(name));
  const commonNames = new Set(common.map(({ name }) => name));
  const groups = tags.map(({ name, description }) => ({
    name,
    description,
    operations: placed.filter(({ operation }) => operation.tags.includes(name)),
  }));
  const schemas = Object.entries(components.schemas);
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${info.title} ${info.version}: HTTP API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/page.css">
</head>
<body>
<nav aria-label="Operations">
<p class="title"><a href="#top">${info.title}</a> <small>${info.version}</small></p>
${groups.map(
  ({ name, operations }) => markup`<details><summary>${capital(name)}</summary><ul>${operations.map(
    ({ method, operation }) =>
      markup`<li><a href="#${operation.operationId}"><b class="${method}">${method.toUpperCase()}</b>${operation.summary}</a></li>`,
  )}</ul></details>
`,
)}
<details><summary>Schemas</summary><ul>${schemas.map(([name]) => markup`<li><a href="#schema-${name}">${name}</a></li>`)}</ul></details>
</nav>
<main id="top">
<h1>${info.title}</h1>
${paragraphs(info.description)}
<p>For programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<h2>Every request</h2>
<p>${prose("`Authorization: Bearer <key>` says who asks, where nothing else is said. These headers mean the same everywhere:")}</p>
<dl>${common.map(({ name, description }) => markup`<dt><code>${name}</code></dt><dd>${prose(description)}</dd>`)}</dl>
${groups.map(
  ({
    name,
    description,
    operations,
  }) => markup`<section id="group-${name}"><h2>${capital(name)}</h2>${paragraphs(description)}
${operations.map((one) => operationMarkup(one, document, commonNames))}</section>
`,
)}
<section><h2>Schemas</h2>
${schemas.map(
  ([
    name,
    schema,
  ]) => markup`<article id="schema-${name}"><h3><a href="#schema-${name}">${name}</a></h3><p class="type">${typeOf(schema)}</p>${membersOf(schema)}${schema.examples?.map(
    (example) =>
      markup`<details><summary>Example</summary><pre tabindex="0"><code>${JSON.stringify(example, null, 2)}</code></pre></details>`,
  )}</article>
`,
)}</section>
</main>
</body>
</html>
`.html;
};
