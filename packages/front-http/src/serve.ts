import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type Context,
  type Credential,
  FileError,
  isFileError,
  parseEncodedPath,
  type Place,
} from "@bulkhead/contract";
import { decodeHeaderText, headerNames, requestIdPattern } from "@bulkhead/wire";
import { type Answer, problemAnswer } from "./answer.ts";
import type { Call, Front, Handler, OpenCall } from "./call.ts";
import { takeTurn } from "./connection.ts";
import type { Cors } from "./cors.ts";
import { digestCheck } from "./digest.ts";
import { bearerOf, checkFraming } from "./framing.ts";
import { located } from "./located.ts";
import { subdomainOf } from "./subdomain.ts";
import { parseQuery } from "./query.ts";
import { type Exchange, send } from "./send.ts";
import { encodedFileOf, parseTarget, type Target } from "./target.ts";
import { type Upload, uploadOf } from "./upload.ts";

/** One request that was answered, or could not be. Holds no path, no key and nothing of the content. */
export interface HttpLogEntry {
  readonly requestId: string;
  readonly method: string;
  /** The route as it is written in the table, without what stood in its place. */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  /** The trace that the caller named (W3C Trace Context), as it was sent and where it is well-formed. */
  readonly trace?: Readonly<Record<"traceparent" | "tracestate", string | undefined>>;
  /** What was thrown, where the status says that the server failed. */
  readonly error?: unknown;
}

/** What serving needs beside the routes. */
export interface Service extends Front {
  readonly address: (request: IncomingMessage) => string;
  readonly stallMs: number;
  /** Below which a host names a tenant's subdomain. */
  readonly domain: string | undefined;
  /** Requests whose client waits for `100 Continue`. */
  readonly expecting: WeakSet<IncomingMessage>;
  readonly cors: Cors;
  readonly log: ((entry: HttpLogEntry) => void) | undefined;
}

/** A route, or what answers where there is none. */
export type Served = Handler & { readonly params?: Readonly<Record<string, string>> };

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(", ") : value;

const requestIdOf = (request: IncomingMessage): string => {
  const given = single(request.headers[headerNames.requestId.toLowerCase()]);
  return given !== undefined && requestIdPattern.test(given) ? given : randomUUID();
};

const traceparentPattern = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

const traceOf = ({ headers }: IncomingMessage): Pick<HttpLogEntry, "trace"> => {
  const traceparent = single(headers["traceparent"]);
  if (traceparent === undefined || !traceparentPattern.test(traceparent)) return {};
  return { trace: { traceparent, tracestate: single(headers["tracestate"]) } };
};

/** The target as it was sent: the router saw another one. */
const targetOf = (request: IncomingMessage & { readonly originalUrl?: string }): Target =>
  parseTarget(request.originalUrl ?? request.url ?? "");

const headerText = ({ headers }: IncomingMessage, name: string): string | undefined => {
  const value = single(headers[name.toLowerCase()]);
  return value === undefined ? undefined : decodeHeaderText(name, value);
};

/** What headers say of for whom and where a request is, beside the key. Throws for what is malformed. */
const narrowing = (request: IncomingMessage): Partial<Credential> => {
  const prefix = single(request.headers[headerNames.workspacePrefix.toLowerCase()]);
  return {
    ...(prefix !== undefined && { workspacePrefix: parseEncodedPath(prefix) }),
    as: headerText(request, headerNames.as),
    namespace: headerText(request, headerNames.namespace),
  };
};

const authenticate = async (
  { control, domain }: Service,
  request: IncomingMessage,
  visitor: OpenCall["visitor"],
): Promise<Context> => {
  const credential: Credential = {
    ...visitor,
    key: bearerOf(request),
    tenant: single(request.headers[headerNames.tenant.toLowerCase()]),
    subdomain: subdomainOf(request.headers.host, domain),
  };
  let rest: Partial<Credential>;
  try {
    rest = narrowing(request);
  } catch (error) {
    // Whoever has no key learns that first.
    await control.authenticate(credential);
    throw error;
  }
  return control.authenticate({ ...credential, ...rest });
};

const decodeParam = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FileError("invalid-request", "A part of the path has an escape that is none.");
  }
};

const openCallOf = (
  service: Service,
  request: IncomingMessage,
  requestId: string,
  signal: AbortSignal,
  params: Readonly<Record<string, string>> = {},
): OpenCall => ({
  ...service,
  request,
  headers: request.headers,
  requestId,
  param: (name) => params[name] ?? "",
  decoded: (name) => decodeParam(params[name] ?? ""),
  visitor: {
    address: service.address(request),
    front: "http",
    requestId,
    signal,
    cut: () => void request.socket.destroy(),
  },
});

const fragment = (): FileError =>
  new FileError("invalid-path", "A request target has no '#'; write it as '%23'.");

const callOf = (
  service: Service,
  response: ServerResponse,
  open: OpenCall,
  ctx: Context,
  place: Place,
): Call => {
  const { request } = open;
  const target = targetOf(request);
  if (target.fragment) throw fragment();
  let upload: Upload | undefined;
  return {
    ...open,
    ctx,
    place,
    target,
    query: parseQuery(target.query),
    file: () => parseEncodedPath(encodedFileOf(target)),
    upload: () =>
      (upload ??= uploadOf(request, {
        stallMs: service.stallMs,
        place,
        check: digestCheck(
          single(request.headers["content-digest"]),
          single(request.headers["repr-digest"]),
        ),
        onOpen: () => {
          if (service.expecting.delete(request)) response.writeContinue();
        },
      })),
  };
};

/** A request that may be served. */
interface Entered {
  readonly place: Place;
  readonly run: () => Promise<Answer>;
}

/** Waits for nothing and gives nothing back: the place of a request that needs no key. */
const noPlace: Place = {
  rates: [],
  throttle: undefined,
  run: (work) => work(),
  stream: () => Promise.resolve(),
  end: () => undefined,
};

const enter = async (
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  signal: AbortSignal,
  served: Served,
): Promise<Entered> => {
  checkFraming(request);
  const preflight = service.cors.preflight(request);
  if (preflight !== undefined) return { place: noPlace, run: async () => preflight };
  const call = openCallOf(service, request, requestId, signal, served.params);
  if (served.open === true) {
    if (targetOf(request).fragment) throw fragment();
    return { place: noPlace, run: () => served.run(call) };
  }
  const ctx = await authenticate(service, request, call.visitor);
  const place = await service.control.enter(ctx, call.visitor.address);
  return { place, run: async () => served.run(callOf(service, response, call, ctx, place)) };
};

/** Whether the server failed: that a caller left, or had no room left, is none of its doing. */
const isOwn = (error: unknown): boolean =>
  error !== undefined && !isFileError(error, "aborted") && !isFileError(error, "quota-exceeded");

/** Answers one request from its first byte to its last. Never rejects. */
export const serve = async (
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
  served: Served,
): Promise<void> => {
  const begun = performance.now();
  const turn = takeTurn(request, response);
  // A request whose error nobody hears would end the process.
  request.on("error", () => undefined);
  response.on("error", () => undefined);
  if (!(await turn.come)) return;
  const requestId = requestIdOf(request);
  const exchange = {
    request,
    response,
    requestId,
    signal: turn.signal,
    stallMs: service.stallMs,
    cors: service.cors.headers(request),
  };
  let failure: unknown;
  let status = 500;
  /** Answers, and keeps what failed. */
  const answered = async (answering: Promise<Answer>, place: Place): Promise<void> => {
    const answer = await answering.catch((error: unknown) => {
      failure = error;
      return problemAnswer(located(error, request), requestId);
    });
    ({ status } = answer);
    const to: Exchange = {
      ...exchange,
      place,
      withheld: service.expecting.has(request),
      closing: service.stopping.aborted,
    };
    try {
      failure = (await send(to, answer)) ?? failure;
    } catch (error) {
      failure = error;
      // Nothing was sent yet: what is no refusal is a failure of the server's own.
      const refused = isFileError(error) ? error : new FileError("internal", "", { cause: error });
      const problem = problemAnswer(refused, requestId);
      ({ status } = problem);
      await send(to, problem).catch(() => request.socket.destroy());
    }
  };
  try {
    const { place, run } = await enter(service, request, response, requestId, turn.signal, served);
    try {
      await place.run(() => answered(run(), place));
    } finally {
      place.end();
    }
  } catch (error) {
    await answered(Promise.reject(error), noPlace);
  }
  service.log?.({
    requestId,
    method: request.method ?? "",
    route: served.url,
    status: turn.signal.aborted && !response.writableFinished ? 499 : status,
    ms: performance.now() - begun,
    ...traceOf(request),
    ...(isOwn(failure) && (status >= 500 || response.destroyed) && { error: failure }),
  });
};
