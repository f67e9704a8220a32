import { connect } from "node:net";
import { once } from "node:events";

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends one HTTP/1.1 request exactly as spelled, on a connection of its own, and reads the answer to its end. */
export const rawRequest = async (
  url: string,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): Promise<RawAnswer> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    "Connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === "" && method === "GET" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`, "latin1");
  await once(socket, "close");
  return parseAnswer(Buffer.concat(chunks).toString("latin1"));
};

/** `text` holds a byte in each unit, so that sizes of chunks count bytes. */
const parseAnswer = (text: string): RawAnswer => {
  const cut = text.indexOf("\r\n\r\n");
  const [status = "", ...lines] = text.slice(0, cut).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const rest = text.slice(cut + 4);
  return {
    status: Number(status.split(" ")[1]),
    headers,
    body: Buffer.from(
      headers["transfer-encoding"] === "chunked" ? unchunked(rest) : rest,
      "latin1",
    ).toString("utf8"),
  };
};

const unchunked = (text: string): string => {
  let whole = "";
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) break;
    whole += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
  return whole;
};
