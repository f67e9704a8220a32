import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

interface Place {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly close: () => void;
}

interface Line {
  tail: Promise<void>;
  readonly open: Set<Place>;
  /** Set with the last answer: what was pipelined behind it is never run. */
  ended: boolean;
}

const lines = new WeakMap<Socket, Line>();

const lineOf = (socket: Socket): Line => {
  const known = lines.get(socket);
  if (known !== undefined) return known;
  const line: Line = { tail: Promise.resolve(), open: new Set(), ended: false };
  lines.set(socket, line);
  // One listener for all requests of the connection: a response that waits behind another hears nothing of its socket.
  socket.once("close", () => {
    line.ended = true;
    for (const { close } of line.open) close();
  });
  return line;
};

/** The requests of a connection that are not answered yet, the oldest first. */
export const unanswered = (socket: Socket): readonly Pick<Place, "request" | "response">[] => [
  ...(lines.get(socket)?.open ?? []),
];

/** Marks the answer that is being given as the connection's last. */
export const endAfter = (socket: Socket): void => {
  lineOf(socket).ended = true;
};

/** One request's place on its connection. */
export interface Turn {
  /** Aborts when the answer can no longer arrive in whole. */
  readonly signal: AbortSignal;
  /** Resolves when every earlier request is answered: to false if this one never will be (RFC 9112 §9.3.2). */
  readonly come: Promise<boolean>;
}

/** Queues a response on its connection, before anything is awaited. */
export const takeTurn = (request: IncomingMessage, response: ServerResponse): Turn => {
  const { socket } = request;
  const line = lineOf(socket);
  const controller = new AbortController();
  const { promise: done, resolve: release } = Promise.withResolvers<void>();
  const close = (): void => {
    line.open.delete(place);
    if (!response.writableFinished) controller.abort();
    release();
  };
  const place: Place = { request, response, close };
  line.open.add(place);
  response.once("close", close);
  const earlier = line.tail;
  line.tail = done;
  if (socket.destroyed) close();
  return { signal: controller.signal, come: earlier.then(() => !line.ended && !socket.destroyed) };
};
