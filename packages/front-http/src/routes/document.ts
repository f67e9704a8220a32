import { createHash } from "node:crypto";
import { parseEtags, quoteEtag } from "@bulkhead/wire";
import { z } from "zod";
import type { Answer, Headers } from "../answer.ts";
import type { OpenCall, Route } from "../call.ts";
import { openApiDocument } from "../openapi/document.ts";

interface Made {
  readonly version: string;
  readonly text: string;
  readonly headers: Headers;
}

/** `GET /openapi.json`: all `routes` and itself, rendered once, when it is first asked for. */
export const documentRoute = (routes: () => readonly Route[]): Route => {
  let made: Made | undefined;
  const render = (version: string): Made => {
    const text = JSON.stringify(openApiDocument(routes(), version));
    const etag = createHash("sha256").update(text).digest("base64url");
    const headers = {
      ETag: quoteEtag(etag),
      "Cache-Control": "public, no-cache",
    };
    return { version, text, headers };
  };
  const run = async ({ version, headers }: OpenCall): Promise<Answer> => {
    made = made?.version === version ? made : render(version);
    const known = parseEtags(headers["if-none-match"] ?? "");
    const same =
      known === "*" || known?.some(({ tag }) => quoteEtag(tag) === made?.headers["ETag"]);
    if (same === true) return { status: 304, headers: made.headers };
    return {
      status: 200,
      headers: { ...made.headers, "Content-Type": "application/json" },
      text: made.text,
    };
  };
  return {
    method: "GET",
    url: "/openapi.json",
    open: true,
    id: "openApi",
    does: "This document (OpenAPI 3.1). Needs no key.",
    headers: ["If-None-Match"],
    answers: {
      200: {
        does: "The document.",
        json: z.looseObject({ openapi: z.string() }),
        headers: ["ETag"],
      },
      304: { does: "The caller has it already.", headers: ["ETag"] },
    },
    run,
  };
};
