import { METHODS, type IncomingMessage, type ServerResponse } from "node:http";
import type { Control } from "@bulkhead/contract";
import { FileError } from "@bulkhead/contract";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { clientAddress } from "./address.ts";
import type { Handler, MetricsText } from "./call.ts";
import { cors } from "./cors.ts";
import { cursorsWith } from "./cursor.ts";
import { flow } from "./flow.ts";
import { HttpFault } from "./fault.ts";
import { answerClientError } from "./node-errors.ts";
import { routes } from "./routes/index.ts";
import { type HttpLogEntry, serve, type Served, type Service } from "./serve.ts";
import { routable } from "./target.ts";

export interface HttpFrontOptions {
  readonly control: Control;
  /** The release, as `/health` tells it. */
  readonly version: string;
  /** Keys of at least 16 bytes: the first signs cursors, all verify them. */
  readonly cursorKeys: readonly Uint8Array[];
  /** Addresses and CIDR ranges of proxies whose `Forwarded` or `X-Forwarded-For` counts. */
  readonly trustedProxies?: readonly string[];
  /** Where a host below it names a tenant's subdomain, which has to agree with the key. */
  readonly domain?: string | undefined;
  /** Origins whose pages may call from a browser; none by default. */
  readonly corsOrigins?: readonly string[];
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly log?: (entry: HttpLogEntry) => void;
  /** What `/metrics` answers; without, there is no such route. */
  readonly metrics?: () => Promise<MetricsText>;
  /** How long a transfer may make no progress, in milliseconds; 60,000 by default. */
  readonly stallMs?: number;
  /** How long the headers of a request may take, in milliseconds; 30,000 by default. */
  readonly headersMs?: number;
}

export interface HttpFront {
  readonly app: FastifyInstance;
  /** Begins to listen; port 0 takes a free one. */
  readonly listen: (at: {
    readonly host: string;
    readonly port: number;
  }) => Promise<{ readonly url: string }>;
  /** Takes no new connection, lets what runs end within `graceMs`, then cuts it off. */
  readonly close: (options: { readonly graceMs: number }) => Promise<void>;
}

const nowhere = (): Promise<never> =>
  Promise.reject(new FileError("not-found", "There is no such route."));
const missing: Handler = { method: "GET", url: "*", run: nowhere };
const missingOpen: Handler = { method: "GET", url: "*", open: true, run: nowhere };

const refusedMethod = (url: string, open: boolean, allow: string): Handler => {
  const run = (): Promise<never> =>
    Promise.reject(
      new HttpFault(405, "Method not allowed", `Here one may ${allow}.`, {
        headers: { Allow: allow },
      }),
    );
  return open ? { method: "GET", url, open, run } : { method: "GET", url, run };
};

const unexpected: Handler = {
  method: "GET",
  url: "*",
  open: true,
  run: () =>
    Promise.reject(
      new HttpFault(417, "Expectation failed", "The only expectation is '100-continue'.", {
        close: true,
      }),
    ),
};

/** What a route answers to HEAD is what it answers to GET, without content. */
const methodsOf = (route: Handler): readonly string[] =>
  route.method === "GET" ? ["GET", "HEAD"] : [route.method];

/** Serves `/v1` and the health routes over HTTP/1.1. Nothing listens before `listen`. */
export const httpFront = (options: HttpFrontOptions): HttpFront => {
  const expecting = new WeakSet<IncomingMessage>();
  const unknownExpectation = new WeakSet<IncomingMessage>();
  const addressOf = clientAddress(options.trustedProxies ?? []);
  const stopping = new AbortController();
  const single = (value: string | string[] | undefined): string | undefined =>
    Array.isArray(value) ? value.join(",") : value;
  const service: Service = {
    control: options.control,
    version: options.version,
    metrics: options.metrics,
    flow: flow(),
    cors: cors(options.corsOrigins ?? []),
    cursors: cursorsWith(options.cursorKeys),
    stallMs: options.stallMs ?? 60_000,
    domain: options.domain,
    expecting,
    stopping: stopping.signal,
    log: options.log,
    address: ({ socket, headers }) =>
      addressOf(socket.remoteAddress, {
        forwarded: single(headers["forwarded"]),
        forwardedFor: single(headers["x-forwarded-for"]),
      }),
  };
  // Fastify only routes: what it would do with bodies, errors and answers happens in one place of our own.
  const take = (request: FastifyRequest, reply: FastifyReply, route: Handler): void => {
    reply.hijack();
    const served: Served = unknownExpectation.has(request.raw)
      ? unexpected
      : { ...route, params: paramsOf(request) };
    void serve(service, request.raw, reply.raw, served);
  };
  const never = (): never => {
    throw new Error("Requests are answered before they get here.");
  };

  const server = {
    headersTimeout: options.headersMs ?? 30_000,
    connectionsCheckingInterval: Math.min(5000, options.headersMs ?? 5000),
    requireHostHeader: false,
  };
  // As an object: with TLS the instance's type would name another server, which nothing here tells apart.
  const app: FastifyInstance = Fastify({
    ...(options.tls === undefined ? { http: server } : { https: { ...server, ...options.tls } }),
    logger: false,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    // An id may hold 255 bytes, each of them an escape whose '%' is one in turn.
    routerOptions: { maxParamLength: 255 * 5 },
    rewriteUrl: (request: IncomingMessage) => routable(request.url ?? ""),
    clientErrorHandler: answerClientError,
    frameworkErrors: (_error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      take(request, reply, missingOpen),
  } as object);
  app.server.maxHeadersCount = 0;
  for (const method of METHODS)
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);

  const urls = new Map<string, Handler[]>();
  for (const route of routes) urls.set(route.url, [...(urls.get(route.url) ?? []), route]);
  const register = (methods: readonly string[], url: string, route: Handler): void =>
    void app.route({
      method: [...methods],
      url,
      onRequest: (request, reply) => take(request, reply, route),
      handler: never,
    });
  for (const [url, here] of urls) {
    for (const route of here) register(methodsOf(route), url, route);
    const allowed = here.flatMap(methodsOf);
    const others = app.supportedMethods.filter((method) => !allowed.includes(method));
    register(others, url, refusedMethod(url, here[0]?.open === true, allowed.join(", ")));
  }
  app.addHook("onRequest", (request, reply, done) => {
    if (request.is404) take(request, reply, isVersioned(request) ? missing : missingOpen);
    else done();
  });
  app.server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    expecting.add(request);
    app.routing(request, response);
  });
  app.server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    unknownExpectation.add(request);
    app.routing(request, response);
  });

  return {
    app,
    listen: async ({ host, port }) => {
      await app.listen({ host, port });
      const address = app.server.address();
      const bound = typeof address === "object" ? (address?.port ?? port) : port;
      const name = host.includes(":") ? `[${host}]` : host;
      return { url: `${options.tls === undefined ? "http" : "https"}://${name}:${bound}` };
    },
    close: async ({ graceMs }) => {
      stopping.abort();
      const deadline = setTimeout(() => app.server.closeAllConnections(), graceMs);
      // Connections whose answer had begun before are found idle only afterwards.
      const sweep = setInterval(() => app.server.closeIdleConnections(), 50);
      try {
        await app.close();
      } finally {
        clearTimeout(deadline);
        clearInterval(sweep);
      }
    },
  };
};

const isVersioned = (request: FastifyRequest): boolean =>
  /^\/v1(?:\/|$)/.test(request.raw.url ?? "");

const paramsOf = (request: FastifyRequest): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(request.params ?? {}).map(([name, value]) => [name, String(value)]),
  );
