import { createHash } from "node:crypto";
import type { Acknowledged, Changes } from "./acknowledged.ts";
import { type Connection, connection } from "./connection.ts";

export const kinds = ["overwrite", "create", "append", "copy", "move", "remove", "mkdir"] as const;
export type Kind = (typeof kinds)[number];

type Places = ReadonlyMap<string, string>;

interface Step {
  readonly kind: Kind;
  readonly send: (over: Connection) => ReturnType<Connection["send"]>;
  readonly after: Places;
}

/** One writer with a folder of its own, so that what stands there is exactly its last answered step, or the one after. */
export interface CrashWriter {
  /** Works without a pause until the connection breaks. Rejects for an answer that the steps before do not explain. */
  readonly run: (url: string, key: string) => Promise<void>;
  /** Takes what a restart found: what was in flight happened or did not. */
  readonly resume: (happened: boolean) => void;
  readonly inFlight: () => Kind | undefined;
  readonly acknowledged: () => number;
}

export const digestOf = (content: string): string =>
  createHash("sha256").update(content).digest("hex");

/** A small generator of numbers below 1 (mulberry32): the same for the same seed. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

const files = ["a", "b", "d/a", "d/b", "e/f/a"];
const directories = ["d", "e", "g", "h"];

export const crashWriter = (id: number, seed: number, record: Acknowledged): CrashWriter => {
  const random = randomFrom(seed);
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  /** Contents, or `/` for a directory. */
  let places: Places = new Map();
  let pending: Step | undefined;
  let n = 0;
  let answered = 0;

  const isFile = (path: string): boolean => places.get(path) !== "/";
  const isIn = (path: string, key: string): boolean =>
    key.split("/").slice(0, path.split("/").length).join("/") === path;
  const below = (path: string): readonly string[] =>
    [...places.keys()].filter((key) => isIn(path, key));
  const content = (): string => {
    // Mostly small, sometimes so large that a kill meets it on its way.
    const length = random() < 0.15 ? 200_000 + random() * 400_000 : random() * 20_000;
    return `${id}:${n}:`.repeat(1 + Math.floor(length / 8));
  };
  const put = (to: Map<string, string>, path: string, value: string): Map<string, string> => {
    const names = path.split("/");
    for (let i = 1; i < names.length; i++) to.set(names.slice(0, i).join("/"), "/");
    return to.set(path, value);
  };
  const moved = (from: string, to: string, keep: boolean): Places => {
    const next = new Map(places);
    for (const path of below(from)) {
      put(next, `${to}${path.slice(from.length)}`, places.get(path) ?? "");
      if (!keep) next.delete(path);
    }
    return next;
  };
  const at = (path: string): string => `/w${id}/${path}`;

  const makers: Readonly<Record<Kind, () => Omit<Step, "kind"> | undefined>> = {
    overwrite: () => {
      const path = pick(files) ?? "";
      const body = content();
      const send = (over: Connection) => over.send("PUT", `/v1/files${at(path)}`, { body });
      return { send, after: put(new Map(places), path, body) };
    },
    create: () => {
      const path = pick(files.filter((name) => !places.has(name)));
      if (path === undefined) return undefined;
      const body = content();
      const headers = { "if-none-match": "*" };
      const send = (over: Connection) =>
        over.send("PUT", `/v1/files${at(path)}`, { body, headers });
      return { send, after: put(new Map(places), path, body) };
    },
    append: () => {
      const path = pick(files) ?? "";
      const old = places.get(path) ?? "";
      if (old.length > 500_000) return undefined;
      const body = `${id}+${n};`;
      const send = (over: Connection) => over.send("POST", `/v1/append${at(path)}`, { body });
      return { send, after: put(new Map(places), path, old + body) };
    },
    copy: () => transfer("copy"),
    move: () => transfer("move"),
    remove: () => {
      const path = pick([...places.keys()]);
      if (path === undefined) return undefined;
      const next = new Map(places);
      for (const gone of below(path)) next.delete(gone);
      const target = `/v1/files${at(path)}?recursive=true`;
      return { send: (over) => over.send("DELETE", target), after: next };
    },
    mkdir: () => {
      const path = pick(directories.filter((name) => !places.has(name)));
      // The writer's own folder comes with its first file.
      if (path === undefined || answered === 0) return undefined;
      const body = { path: at(path) };
      const send = (over: Connection) => over.send("POST", "/v1/mkdir", { body });
      return { send, after: put(new Map(places), path, "/") };
    },
  };
  const transfer = (verb: "copy" | "move"): Omit<Step, "kind"> | undefined => {
    const from = pick([...places.keys()]);
    if (from === undefined) return undefined;
    const targets = isFile(from)
      ? files.filter((name) => name !== from)
      : directories.filter((name) => !places.has(name) && !isIn(from, name));
    const to = pick(targets);
    if (to === undefined) return undefined;
    const body = { from: at(from), to: at(to), mode: isFile(from) ? "overwrite" : "create" };
    const send = (over: Connection) => over.send("POST", `/v1/${verb}`, { body });
    return { send, after: moved(from, to, verb === "copy") };
  };

  const next = (): Step => {
    n += 1;
    for (;;) {
      const kind = pick(kinds) ?? "overwrite";
      const made = makers[kind]();
      // What changes nothing could not be told from what did not happen.
      if (made !== undefined && Object.keys(changesOf(made.after)).length > 0)
        return { kind, ...made };
    }
  };
  const digest = (value: string): string => (value === "/" ? "directory" : digestOf(value));
  const changesOf = (after: Places): Changes => {
    const changes: Record<string, string | null> = {};
    for (const path of places.keys()) if (!after.has(path)) changes[path] = null;
    for (const [path, value] of after)
      if (places.get(path) !== value) changes[path] = digest(value);
    return changes;
  };

  return {
    run: async (url, key) => {
      const over = connection(url, key);
      for (;;) {
        const step = next();
        pending = step;
        await record.begun(id, n, changesOf(step.after));
        let reply: Awaited<ReturnType<Connection["send"]>>;
        try {
          reply = await step.send(over);
        } catch {
          return over.close();
        }
        if (reply.status >= 300)
          throw new Error(`${step.kind} of writer ${id}, step ${n}: ${reply.status} ${reply.text}`);
        places = step.after;
        pending = undefined;
        answered += 1;
        await record.settled(id, n, true);
      }
    },
    resume: (happened) => {
      if (happened && pending !== undefined) places = pending.after;
      pending = undefined;
    },
    inFlight: () => pending?.kind,
    acknowledged: () => answered,
  };
};
