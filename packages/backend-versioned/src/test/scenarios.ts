import type { Backend, OpContext } from "@bulkhead/contract";
import type { LedgerCommit } from "../ledger-commit.ts";
import type { VersionedBackend } from "../versioned.ts";
import { at, bytesAt, pattern, put, request } from "./opened.ts";

/** Content that lies in the storage, and not in its row. */
export const large = (seed: number): Uint8Array => pattern(17_000, seed);

const texts = new Map(
  [1, 2, 3, 4].map((seed) => [Buffer.from(large(seed)).toString("hex"), `large ${seed}`]),
);
const nameOf = (bytes: Uint8Array): string =>
  texts.get(Buffer.from(bytes).toString("hex")) ?? new TextDecoder().decode(bytes);

export type Places = Readonly<Record<string, string>>;

/** What stands where before each change; `gone` was there, and was removed. */
export const before: Places = {
  "d/": "",
  "d/x": "in d",
  "d/y": "large 1",
  f: "large 2",
  g: "small",
};

/** Makes what `before` shows, in six changes. */
export const plant = async (backend: VersionedBackend): Promise<void> => {
  await put(backend, "d/x", "in d");
  await put(backend, "d/y", large(1));
  await put(backend, "f", large(2));
  await put(backend, "g", "small");
  await put(backend, "gone", large(3));
  await backend.remove(request(), at("gone"));
};

/** All that a tree shows. */
export const places = async (backend: Backend, below = ""): Promise<Places> => {
  const found: Record<string, string> = {};
  for (const { name, kind } of (await backend.list(request(), at(below))).entries) {
    const path = below === "" ? name : `${below}/${name}`;
    if (kind === "directory")
      Object.assign(found, { [`${path}/`]: "" }, await places(backend, path));
    else found[path] = nameOf(await bytesAt(backend, path));
  }
  return found;
};

export interface Scenario {
  readonly name: string;
  /** Calls of the ledger that decide it: content for the storage is registered before. */
  readonly calls: readonly (keyof LedgerCommit)[];
  readonly run: (backend: VersionedBackend, ctx: OpContext) => Promise<unknown>;
  readonly after: Places;
  /** What doing it again says where it was done; undefined where it is simply done again. */
  readonly again?: string;
}

const without = (...gone: readonly string[]): Places =>
  Object.fromEntries(Object.entries(before).filter(([path]) => !gone.includes(path)));

const tree = ["d/", "d/x", "d/y"] as const;
const asE: Places = { "e/": "", "e/x": "in d", "e/y": "large 1" };

/** Every change that a versioned tree can make, content in its row and in the storage. */
export const scenarios: readonly Scenario[] = [
  {
    name: "a small write",
    calls: ["write"],
    run: (b, c) => put(b, "f", "new", {}, c),
    after: { ...before, f: "new" },
  },
  {
    name: "a large write",
    calls: ["openBlob", "write"],
    run: (b, c) => put(b, "g", large(4), {}, c),
    after: { ...before, g: "large 4" },
  },
  {
    name: "a large creation",
    calls: ["openBlob", "write"],
    run: (b, c) => put(b, "n/c", large(4), { mode: "create" }, c),
    after: { ...before, "n/": "", "n/c": "large 4" },
    again: "already-exists",
  },
  {
    name: "a directory",
    calls: ["mkdir"],
    run: (b, c) => b.mkdir(c, at("n")),
    after: { ...before, "n/": "" },
    again: "already-exists",
  },
  {
    name: "a removal",
    calls: ["remove"],
    run: (b, c) => b.remove(c, at("f")),
    after: without("f"),
    again: "not-found",
  },
  {
    name: "the removal of a tree",
    calls: ["remove"],
    run: (b, c) => b.remove(c, at("d"), { recursive: true }),
    after: without(...tree),
    again: "not-found",
  },
  {
    name: "the copy of a file",
    calls: ["copy"],
    run: (b, c) => b.copy(c, at("f"), at("h")),
    after: { ...before, h: "large 2" },
    again: "already-exists",
  },
  {
    name: "the copy of a tree",
    calls: ["copy"],
    run: (b, c) => b.copy(c, at("d"), at("e")),
    after: { ...before, ...asE },
    again: "already-exists",
  },
  {
    name: "the move of a file",
    calls: ["move"],
    run: (b, c) => b.move(c, at("f"), at("g"), { mode: "overwrite" }),
    after: { ...without("f"), g: "large 2" },
    again: "not-found",
  },
  {
    name: "the move of a tree",
    calls: ["move"],
    run: (b, c) => b.move(c, at("d"), at("e")),
    after: { ...without(...tree), ...asE },
    again: "not-found",
  },
  {
    name: "a restoration",
    calls: ["restore"],
    run: async (b, c) => {
      const { entries } = await b.versions(request(), at("gone"));
      const last = entries.find((entry) => entry.kind === "write");
      return b.restore(c, at("gone"), last?.version ?? "");
    },
    after: { ...before, gone: "large 3" },
  },
];
