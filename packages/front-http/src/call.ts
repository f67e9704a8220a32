import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Context, Control, LinkVisit, Place, RequestPath } from "@bulkhead/contract";
import type { Answer } from "./answer.ts";
import type { Flow } from "./flow.ts";
import type { Cursors } from "./cursor.ts";
import type { Described } from "./describe.ts";
import type { Query } from "./query.ts";
import type { Target } from "./target.ts";
import type { Upload } from "./upload.ts";

/** Metrics as text, and what format that is in. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** What every route is given beside the request. */
export interface Front {
  readonly control: Control;
  readonly cursors: Cursors;
  readonly version: string;
  /** What `/metrics` answers. */
  readonly metrics?: (() => Promise<MetricsText>) | undefined;
  /** What is held for those who read slowly. */
  readonly flow: Flow;
  /** Aborts when the front begins to close. */
  readonly stopping: AbortSignal;
}

/** A request that no key has to open. */
export interface OpenCall extends Front {
  readonly request: IncomingMessage;
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** A part of the route's path, as it was sent. */
  readonly param: (name: string) => string;
  /** The same with its escapes decoded. Throws `invalid-request` for those that are none. */
  readonly decoded: (name: string) => string;
  /** Who asks, for what needs no key. */
  readonly visitor: Omit<LinkVisit, "token" | "password">;
}

/** A request by somebody known. */
export interface Call extends OpenCall {
  readonly ctx: Context;
  readonly place: Place;
  readonly target: Target;
  readonly query: Query;
  /** The file that the path names. Throws `invalid-path`. */
  readonly file: () => RequestPath;
  /** The body, its digests checked where they are announced. Throws `invalid-request` for a digest that is none. */
  readonly upload: () => Upload;
}

export type Method = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";

/** What answers one method of one place. */
export type Handler =
  | {
      readonly method: Method;
      readonly url: string;
      readonly open: true;
      readonly run: (call: OpenCall) => Promise<Answer>;
    }
  | {
      readonly method: Method;
      readonly url: string;
      readonly open?: false;
      readonly run: (call: Call) => Promise<Answer>;
    };

/**
 * One route as data: the server is made of it, and so are the OpenAPI document and the reference. `GET` answers HEAD as
 * well.
 */
export type Route = Handler & Described;
