import { createServer, request } from "node:http";
import { once } from "node:events";

/** Stands before an S3 server: says in which region buckets are, and remembers who signed. */
export interface S3Proxy extends AsyncDisposable {
  readonly endpoint: string;
  /** The ids of the keys that requests were signed with, in order. */
  readonly signers: string[];
  /** What is added to an answer about a bucket; undefined says nothing, as the server behind. */
  region: string | undefined;
}

export const s3Proxy = async (endpoint: string): Promise<S3Proxy> => {
  const { hostname, port } = new URL(endpoint);
  const signers: string[] = [];
  const server = createServer((incoming, answer) => {
    const { method, url, headers } = incoming;
    const signer = /Credential=([^/]+)\//.exec(headers.authorization ?? "")?.[1];
    if (signer !== undefined) signers.push(signer);
    const onward = request({ hostname, port, method, path: url, headers }, (got) => {
      const isBucket = method === "HEAD" && /^\/[^/?]+\/?(?:\?.*)?$/.test(url ?? "");
      const said = isBucket && proxy.region !== undefined;
      answer.writeHead(got.statusCode ?? 502, {
        ...got.headers,
        ...(said && { "x-amz-bucket-region": proxy.region }),
      });
      got.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    incoming.pipe(onward);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const own = typeof address === "object" ? address?.port : undefined;
  const proxy: S3Proxy = {
    endpoint: `http://127.0.0.1:${own}`,
    signers,
    region: undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
};
