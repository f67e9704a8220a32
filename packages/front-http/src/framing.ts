import type { IncomingMessage } from "node:http";
import { HttpFault } from "./fault.ts";

const count = (raw: readonly string[], name: string): number =>
  raw.reduce((sum, text, i) => (i % 2 === 0 && text.toLowerCase() === name ? sum + 1 : sum), 0);

const refuse = (detail: string): never => {
  throw new HttpFault(400, "The request is malformed", detail, { close: true });
};

/** Refuses what Node lets pass although two readers could understand it differently (RFC 9112 §3.2, §6.1, §11.2). */
export const checkFraming = (request: IncomingMessage): void => {
  const hosts = count(request.rawHeaders, "host");
  if (hosts > 1) refuse("A request has one 'Host'.");
  if (hosts === 0 && request.httpVersion === "1.1") refuse("A request has a 'Host'.");
  const coding = request.headers["transfer-encoding"];
  if (coding !== undefined && (coding.toLowerCase() !== "chunked" || request.httpVersion !== "1.1"))
    refuse("The one 'Transfer-Encoding' is 'chunked', in HTTP/1.1.");
};

/** The bearer token of a request, or undefined where there is none, or more than one (RFC 6750 §2.1). */
export const bearerOf = (request: IncomingMessage): string | undefined =>
  count(request.rawHeaders, "authorization") > 1
    ? undefined
    : /^bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? "")?.[1];
