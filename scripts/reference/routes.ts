import { openApiDocument } from "../../packages/front-http/src/openapi/document.ts";
import { pathOf } from "../../packages/front-http/src/openapi/operation.ts";
import { routes } from "../../packages/front-http/src/routes/index.ts";
import { version } from "@bulkhead/server";
import { code, table } from "./markdown.ts";

/** The OpenAPI document as `/openapi.json` answers it, for people to read as well. */
export const openApiFile = (): string =>
  `${JSON.stringify(openApiDocument(routes, version), null, 1)}\n`;

const routesTable = (): string =>
  table(
    ["route", "does"],
    routes.map((route) => [code(`${route.method} ${pathOf(route)}`), route.does]),
  );

const [begin, end] = ["<!-- routes: generated -->", "<!-- end of routes -->"];

/** Puts the table of routes between its two marks in `docs/reference/http.md`. Throws where they are not there. */
export const withRoutes = (page: string): string => {
  const [before, rest, ...more] = page.split(begin);
  const [, after, ...others] = (rest ?? "").split(end);
  if (before === undefined || after === undefined || more.length + others.length > 0)
    throw new Error(`docs/reference/http.md needs '${begin}' and '${end}', once each.`);
  return `${before}${begin}\n\n${routesTable()}\n\n${end}${after}`;
};
