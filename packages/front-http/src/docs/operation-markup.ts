import { type Markup, markup, paragraphs, prose } from "./markup.ts";
import { membersOf, typeOf } from "./schema-markup.ts";
import type { ShownDocument, ShownOperation, ShownParameter, ShownResponse } from "./shown.ts";

/** An operation and where it is. */
export interface Placed {
  readonly method: string;
  readonly path: string;
  readonly operation: ShownOperation;
}

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);

const parametersOf = (
  { operation: { parameters } }: Placed,
  { components }: ShownDocument,
): readonly ShownParameter[] =>
  parameters.flatMap((given) =>
    "$ref" in given ? (components.parameters[nameOf(given.$ref)] ?? []) : [given],
  );

const parameterRow = ({ name, required, description, schema }: ShownParameter): Markup =>
  markup`<dt><code>${name}</code>${required === true && markup` <small>required</small>`}</dt><dd>${prose(description)} <span class="type">${typeOf(schema)}</span></dd>`;

const parameterLists: readonly (readonly [ShownParameter["in"], string])[] = [
  ["path", "In the path"],
  ["query", "In the query"],
  ["header", "Headers"],
];

/** Headers that mean the same everywhere are told once, at the top. */
const shown = (given: ShownParameter, common: ReadonlySet<string>): boolean =>
  given.in !== "header" || !common.has(given.name);

const example = (value: unknown): Markup =>
  markup`<pre tabindex="0"><code>${JSON.stringify(value, null, 2)}</code></pre>`;

const bodyOf = ({ operation: { requestBody } }: Placed): Markup =>
  markup`${
    requestBody !== undefined &&
    Object.entries(requestBody.content).map(([type, { schema, example: given }]) =>
      type === "*/*"
        ? markup`<h4>Body</h4><p>Bytes, as they come.</p>`
        : markup`<h4>Body <small>${type}${requestBody.required !== true && ", may be left out"}</small></h4>${
            schema.$ref !== undefined && markup`<p>${typeOf(schema)}</p>`
          }${membersOf(schema)}${given !== undefined && example(given)}`,
    )
  }`;

const answerRow = (
  status: string,
  { description, content = {}, headers = {} }: ShownResponse,
): Markup =>
  markup`<dt><code>${status}</code></dt><dd>${prose(description)} ${Object.entries(content).map(
    ([type, { schema }]) =>
      type === "application/json"
        ? markup`<span class="type">${typeOf(schema)}</span>${membersOf(schema)}`
        : type !== "application/problem+json" && markup`<span class="type">${type}</span> `,
  )}${
    Number(status) < 400 &&
    markup`<div class="headers">${Object.keys(headers).map((name) => markup`<code>${name}</code> `)}</div>`
  }</dd>`;

const answersOf = (
  { operation: { responses } }: Placed,
  { components }: ShownDocument,
): readonly (readonly [string, ShownResponse])[] =>
  Object.entries(responses).flatMap(([status, given]) => {
    const response = "$ref" in given ? components.responses[nameOf(given.$ref)] : given;
    return response === undefined ? [] : [[status, response] as const];
  });

/** Writes an operation; `common` are the headers that every request may have. */
export const operationMarkup = (
  placed: Placed,
  document: ShownDocument,
  common: ReadonlySet<string>,
): Markup => {
  const { method, path, operation } = placed;
  const parameters = parametersOf(placed, document).filter((given) => shown(given, common));
  const answers = answersOf(placed, document);
  const [good, bad] = [
    answers.filter(([status]) => Number(status) < 400),
    answers.filter(([status]) => Number(status) >= 400),
  ];
  return markup`<article id="${operation.operationId}">
<h3><a href="#${operation.operationId}">${operation.summary}</a></h3>
<p class="route"><b class="${method}">${method.toUpperCase()}</b> <code>${path}</code>${operation.security?.length === 0 && markup` <small>needs no key</small>`}</p>
${paragraphs(operation.description)}
${parameterLists.map(([where, title]) => {
  const here = parameters.filter((given) => given.in === where);
  return here.length > 0 && markup`<h4>${title}</h4><dl>${here.map(parameterRow)}</dl>`;
})}
${bodyOf(placed)}
<h4>Answers</h4><dl>${good.map(([status, given]) => answerRow(status, given))}</dl>
<details><summary>Refusals: ${bad.map(([status]) => status).join(", ")}</summary><dl>${bad.map(([status, given]) => answerRow(status, given))}</dl></details>
</article>
`;
};
