import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { once } from "node:events";

/** What routes by tenant, and by nothing else: it knows a server for each, and sends everything else to the first. */
export interface Balancer extends AsyncDisposable {
  readonly url: string;
  /** Where requests went, in order. */
  readonly routed: readonly string[];
}

const tenantIn = ({ headers }: IncomingMessage, domain: string): string | undefined => {
  const named = headers["x-tenant-id"];
  if (typeof named === "string") return named;
  const host = headers.host?.split(":")[0] ?? "";
  return host.endsWith(`.${domain}`) ? host.slice(0, -domain.length - 1) : undefined;
};

/** Starts a proxy that forwards each request, host and all, to the server of the tenant that it names. */
export const startBalancer = async (
  servers: ReadonlyMap<string, string>,
  fallback: string,
  domain: string,
): Promise<Balancer> => {
  const routed: string[] = [];
  const forward = (incoming: IncomingMessage, answer: ServerResponse): void => {
    const tenant = tenantIn(incoming, domain);
    const to = (tenant === undefined ? undefined : servers.get(tenant)) ?? fallback;
    routed.push(to);
    const { method, url, headers } = incoming;
    const { hostname, port } = new URL(to);
    const onward = request({ hostname, port, method, path: url, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    incoming.pipe(onward);
  };
  const server: Server = createServer(forward).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    routed,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};
