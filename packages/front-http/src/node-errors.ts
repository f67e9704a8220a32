import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { problemType } from "@bulkhead/wire";
import { HttpFault, problemOfAny } from "./fault.ts";
import { unanswered } from "./connection.ts";
import { commonHeaders } from "./send.ts";

const faultOf = (code: string): HttpFault => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new HttpFault(
        431,
        "The headers are too large",
        "The request line and headers have at most 16 KiB.",
        { code: "too-large" },
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new HttpFault(
        408,
        "The request did not arrive in time",
        "The headers were not complete in time; send the request again.",
        { code: "timeout" },
      );
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new HttpFault(413, "Too large", "The extensions of the chunks are too large.", {
        code: "too-large",
      });
    default:
      return new HttpFault(400, "The request is malformed", "This is not a request of HTTP/1.1.");
  }
};

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  413: "Payload Too Large",
  431: "Request Header Fields Too Large",
};

/** Answers what Node's parser refused, and ends the connection. */
export const answerClientError = (
  error: Error & { readonly code?: string },
  socket: Socket,
): void => {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const open = unanswered(socket);
  const last = open.at(-1);
  if (last?.request.complete === true) {
    // What is broken comes behind requests that were whole: they still get their answers, and nothing more is parsed.
    last.response.once("close", () => socket.destroySoon());
    return;
  }
  if (last !== undefined && (open.length > 1 || last.response.headersSent)) {
    // In the middle of an answer nothing else can be said.
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const problem = problemOfAny(faultOf(error.code ?? ""), requestId);
  const body = JSON.stringify(problem);
  const headers: Record<string, string> = {
    ...commonHeaders(requestId),
    Date: new Date().toUTCString(),
    Connection: "close",
    "Content-Type": problemType,
    "Content-Length": String(Buffer.byteLength(body)),
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${problem.status} ${reasons[problem.status] ?? "Error"}\r\n${head.join("")}\r\n${body}`,
    () => socket.destroy(),
  );
};
