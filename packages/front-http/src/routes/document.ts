import { createHash } from "node:crypto";
import { parseEtags, quoteEtag } from "@bulkhead/wire";
import { z } from "zod";
import type { Answer, Headers } from "../answer.ts";
import type { OpenCall, Route } from "../call.ts";
import type { Described } from "../describe.ts";
import { docsPage } from "../docs/page.ts";
import { docsStyle } from "../docs/style.ts";
import { openApiDocument } from "../openapi/document.ts";

interface Made {
  readonly version: string;
  readonly text: string;
  readonly headers: Headers;
}

/** What the page may do: take its own style sheet from here. */
const policy =
  "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface Constant extends Pick<Described, "id" | "does"> {
  readonly url: string;
  readonly type: string;
  readonly json?: z.ZodType;
  readonly headers?: Headers;
  readonly render: (version: string) => string;
}

/** A text that is the same for all, rendered when it is first asked for. Tells who has it already. */
const constantRoute = ({ url, id, does, type, json, headers: more, render }: Constant): Route => {
  let made: Made | undefined;
  const make = (version: string): Made => {
    const text = render(version);
    const etag = quoteEtag(createHash("sha256").update(text).digest("base64url"));
    return {
      version,
      text,
      headers: { ETag: etag, "Cache-Control": "public, no-cache", ...more },
    };
  };
  const run = async ({ version, headers }: OpenCall): Promise<Answer> => {
    made = made?.version === version ? made : make(version);
    const { text, headers: common } = made;
    const known = parseEtags(headers["if-none-match"] ?? "");
    if (known === "*" || known?.some(({ tag }) => quoteEtag(tag) === common["ETag"]) === true)
      return { status: 304, headers: common };
    return { status: 200, headers: { ...common, "Content-Type": type }, text };
  };
  const stated = [
    "ETag",
    ...(more === undefined ? [] : (["Content-Security-Policy"] as const)),
  ] as const;
  return {
    method: "GET",
    url,
    open: true,
    id,
    does,
    headers: ["If-None-Match"],
    answers: {
      200: {
        does: "Here it is.",
        ...(json === undefined ? { types: [type.split(";")[0] ?? ""] } : { json }),
        headers: stated,
      },
      304: { does: "The caller has it already.", headers: stated },
    },
    run,
  };
};

/** `GET /openapi.json` and `/docs`: all `routes`, these as well. */
export const documentRoutes = (routes: () => readonly Route[]): readonly Route[] => [
  constantRoute({
    url: "/openapi.json",
    id: "openApi",
    does: "This document (OpenAPI 3.1). Needs no key.",
    type: "application/json",
    json: z.looseObject({ openapi: z.string() }),
    render: (version) => JSON.stringify(openApiDocument(routes(), version)),
  }),
  constantRoute({
    url: "/docs",
    id: "docs",
    does: "The document as a page to read. Needs no key.",
    type: "text/html; charset=utf-8",
    headers: { "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer" },
    render: (version) => docsPage(openApiDocument(routes(), version)),
  }),
  constantRoute({
    url: "/docs/page.css",
    id: "docsStyle",
    does: "The style sheet of that page. Needs no key.",
    type: "text/css; charset=utf-8",
    render: () => docsStyle,
  }),
];
