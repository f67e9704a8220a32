import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";

/** An answer, and on which connection it came. */
export interface Reply {
  readonly status: number;
  /** `Content-Type`. */
  readonly type: string | undefined;
  readonly text: string;
  /** True if the request went over a connection that had answered before. */
  readonly reused: boolean;
  /** `performance.now()` just before its first byte was handed to the socket. */
  readonly sentAt: number;
  /** Reads one member of the JSON body, a string. Throws if it is none. */
  readonly member: (name: string) => string;
}

export interface SendOptions {
  readonly key?: string;
  /** Goes out as it is where it is text, as JSON otherwise. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One TCP connection to a server, kept alive from request to request. */
export interface Connection {
  readonly send: (method: string, target: string, options?: SendOptions) => Promise<Reply>;
  /** The same, and throws unless the status is that one. */
  readonly must: (
    status: number,
    method: string,
    target: string,
    options?: SendOptions,
  ) => Promise<Reply>;
  readonly close: () => void;
}

/** Makes a connection whose requests carry `key` unless they name another. It opens with the first request. */
export const connection = (url: string, key?: string): Connection => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(url);
  const send: Connection["send"] = async (method, path, options = {}) => {
    const bearer = options.key ?? key;
    const raw = typeof options.body === "string";
    const body = options.body === undefined || raw ? options.body : JSON.stringify(options.body);
    const sentAt = performance.now();
    const sent = request({
      agent,
      hostname,
      port,
      method,
      path,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { "content-length": Buffer.byteLength(String(body)) }),
        ...(body !== undefined && !raw && { "content-type": "application/json" }),
        ...options.headers,
      },
    });
    sent.end(body);
    const [response]: readonly IncomingMessage[] = await once(sent, "response");
    if (response === undefined) throw new Error("No response.");
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(response, "end");
    const text = Buffer.concat(chunks).toString("utf8");
    const { statusCode: status = 0 } = response;
    const member = (name: string): string => {
      const value: unknown = Reflect.get(Object(JSON.parse(text)), name);
      if (typeof value !== "string") throw new Error(`No ${name} in ${status} ${text}`);
      return value;
    };
    const type = response.headers["content-type"];
    return { status, type, text, reused: sent.reusedSocket, sentAt, member };
  };
  return {
    send,
    must: async (status, method, target, options) => {
      const reply = await send(method, target, options);
      if (reply.status !== status)
        throw new Error(`${method} ${target}: ${reply.status} ${reply.text}`);
      return reply;
    },
    close: () => agent.destroy(),
  };
};
