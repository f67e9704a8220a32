import { type Backend, parseBackendPath, type Place, type Session } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { controlOver } from "./control-over.ts";
import { mark, observe, type Observed, sessionOver } from "./observed.ts";
import { aliceKey } from "./records.ts";
import { checkPromised } from "./promised.ts";
import { relationWorld, type RelationWorld } from "./relation-control.ts";
import { httpFront, type HttpFront, type HttpFrontOptions } from "../index.ts";

export { aliceKey, bobKey } from "./records.ts";

export interface World {
  readonly url: string;
  readonly front: HttpFront;
  readonly seen: Observed;
  readonly session: Session;
  readonly relations: RelationWorld;
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>;
  readonly close: () => Promise<void>;
}

export interface WorldOptions extends Partial<HttpFrontOptions> {
  /** Replaces operations of the session. */
  readonly session?: (session: Session) => Partial<Session>;
  readonly unready?: readonly string[];
  /** Replaces the places of requests. */
  readonly place?: (place: Place) => Place;
}

const isContent = (path: string): boolean => /^\/v1\/(?:files|links)\//.test(path);

/** Serves a backend on a free port of the loopback, to two keys. */
export const worldOver = async (backend: Backend, options: WorldOptions = {}): Promise<World> => {
  const { session: replace, unready = [], place = (given) => given, ...rest } = options;
  const seen: Observed = {
    credentials: [],
    ended: 0,
    streams: 0,
    opened: 0,
    disposed: 0,
    pulled: 0,
    left: 0,
    writes: [],
    claims: new Map(),
    minted: [],
  };
  const base = sessionOver(backend);
  const session = observe({ ...base, ...replace?.(base) }, seen);
  const shared = parseBackendPath("shared.txt");
  const relations = relationWorld(
    {
      stat: (visit) => backend.stat(plainContext(visit), shared),
      read: (visit, options) => backend.read(plainContext(visit), shared, options),
    },
    (id) => mark(seen, id),
  );
  const front = httpFront({
    control: controlOver(session, seen, unready, relations, place),
    version: "1.2.3",
    cursorKeys: [Buffer.alloc(32, 1)],
    ...rest,
  });
  const { url } = await front.listen({ host: "127.0.0.1", port: 0 });
  return {
    url,
    front,
    seen,
    session,
    relations,
    fetch: async (path, init = {}) => {
      const headers = new Headers(init.headers);
      if (!headers.has("authorization")) headers.set("authorization", `Bearer ${aliceKey}`);
      const response = await fetch(`${url}${path}`, { ...init, headers });
      const isJson = /json/.test(response.headers.get("content-type") ?? "");
      checkPromised({
        method: init.method ?? "GET",
        target: path,
        status: response.status,
        headers: new Map(response.headers),
        // Of content nobody says what it is; the test reads it at its own pace.
        body:
          isJson && (response.status >= 400 || !isContent(path))
            ? await response.clone().text()
            : undefined,
      });
      return response;
    },
    close: () => front.close({ graceMs: 500 }),
  };
};

/** Waits until `done` says so; a hang is the test's time-out. */
export const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
};
