import type { Backend, OpContext, Operation } from "@bulkhead/contract";
import { at, pattern, put } from "./tools.ts";

/** One mutation, and what it leaves of `before`. */
export interface Scenario {
  readonly name: string;
  readonly operation: Operation;
  readonly paths: readonly string[];
  readonly run: (backend: Backend, ctx: OpContext) => Promise<unknown>;
  readonly after: Readonly<Record<string, string | null>>;
}

type Tree = Readonly<Record<string, string | null>>;

export const before: Tree = {
  d: null,
  "d/e": null,
  "d/e/x": "deep",
  "d/y": "flat",
  f: "old",
  h: null,
};

export const prepare = async (backend: Backend, ctx: OpContext): Promise<void> => {
  for (const [path, text] of Object.entries(before))
    if (text === null) await backend.mkdir(ctx, at(path));
    else await put(backend, path, text);
};

const without = (...gone: readonly string[]): Tree =>
  Object.fromEntries(Object.entries(before).filter(([path]) => !gone.includes(path)));

/** Three parts, in characters that are one byte each. */
const large = Buffer.from(pattern(600_000).map((byte) => 97 + (byte % 26))).toString();

export const scenarios: readonly Scenario[] = [
  {
    name: "a small overwrite",
    operation: "write",
    paths: ["f"],
    run: (backend, ctx) => put(backend, "f", "new", ctx),
    after: { ...before, f: "new" },
  },
  {
    name: "a large new file below missing directories",
    operation: "write",
    paths: ["n/o/f"],
    run: (backend, ctx) => put(backend, "n/o/f", large, ctx),
    after: { ...before, n: null, "n/o": null, "n/o/f": large },
  },
  {
    name: "mkdir",
    operation: "mkdir",
    paths: ["h/i"],
    run: (backend, ctx) => backend.mkdir(ctx, at("h/i")),
    after: { ...before, "h/i": null },
  },
  {
    name: "the removal of a file",
    operation: "remove",
    paths: ["f"],
    run: (backend, ctx) => backend.remove(ctx, at("f")),
    after: without("f"),
  },
  {
    name: "the removal of a tree",
    operation: "remove",
    paths: ["d"],
    run: (backend, ctx) => backend.remove(ctx, at("d"), { recursive: true }),
    after: without("d", "d/e", "d/e/x", "d/y"),
  },
  {
    name: "a copy over a file",
    operation: "copy",
    paths: ["f", "d/y"],
    run: (backend, ctx) => backend.copy(ctx, at("f"), at("d/y"), { mode: "overwrite" }),
    after: { ...before, "d/y": "old" },
  },
  {
    name: "the copy of a tree",
    operation: "copy",
    paths: ["d", "n/d"],
    run: (backend, ctx) => backend.copy(ctx, at("d"), at("n/d")),
    after: {
      ...before,
      n: null,
      "n/d": null,
      "n/d/e": null,
      "n/d/e/x": "deep",
      "n/d/y": "flat",
    },
  },
  {
    name: "a move over a file",
    operation: "move",
    paths: ["f", "d/y"],
    run: (backend, ctx) => backend.move(ctx, at("f"), at("d/y"), { mode: "overwrite" }),
    after: { ...without("f"), "d/y": "old" },
  },
  {
    name: "the move of a tree",
    operation: "move",
    paths: ["d", "n/d"],
    run: (backend, ctx) => backend.move(ctx, at("d"), at("n/d")),
    after: {
      ...without("d", "d/e", "d/e/x", "d/y"),
      n: null,
      "n/d": null,
      "n/d/e": null,
      "n/d/e/x": "deep",
      "n/d/y": "flat",
    },
  },
];
