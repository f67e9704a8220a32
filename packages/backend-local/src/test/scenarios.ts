import type { Backend, Interrupted, OpContext } from "@bulkhead/contract";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { textBody } from "@bulkhead/kit";
import { at } from "./scratch.ts";

/** One mutation, what it stands on, and what it leaves. */
export interface Scenario {
  readonly name: string;
  readonly operation: Interrupted["operation"];
  readonly paths: readonly string[];
  readonly run: (backend: Backend, ctx: OpContext) => Promise<unknown>;
  readonly after: Readonly<Record<string, string | null>>;
  /** What is synced, in order, "commit" among it. `S` is what is staged. */
  readonly syncs: readonly string[];
}

export const before: Readonly<Record<string, string | null>> = {
  d: null,
  "d/e": null,
  "d/e/x": "deep",
  "d/y": "flat",
  f: "old",
  g: "other",
  h: null,
};

/** Lays `before` out on the disk itself, which is quicker than through a backend that syncs. */
export const prepare = async (root: string): Promise<void> => {
  for (const [path, text] of Object.entries(before))
    await (text === null ? mkdir(join(root, path)) : writeFile(join(root, path), text));
};

const without = (...gone: readonly string[]): Record<string, string | null> =>
  Object.fromEntries(Object.entries(before).filter(([path]) => !gone.includes(path)));

const content = (text: string): ReturnType<typeof textBody> => textBody(text);

export const scenarios: readonly Scenario[] = [
  {
    name: "write, overwriting",
    operation: "write",
    paths: ["f"],
    run: (backend, ctx) => backend.write(ctx, at("f"), content("new")),
    after: { ...before, f: "new" },
    syncs: ["datasync S", "commit", "sync ."],
  },
  {
    name: "write, creating below missing directories",
    operation: "write",
    paths: ["d/n/o/p"],
    run: (backend, ctx) => backend.write(ctx, at("d/n/o/p"), content("new"), { mode: "create" }),
    after: { ...before, "d/n": null, "d/n/o": null, "d/n/o/p": "new" },
    syncs: ["datasync S", "commit", "sync d/n/o", "sync d/n", "sync d"],
  },
  {
    name: "mkdir",
    operation: "mkdir",
    paths: ["d/new"],
    run: (backend, ctx) => backend.mkdir(ctx, at("d/new")),
    after: { ...before, "d/new": null },
    syncs: ["commit", "sync d"],
  },
  {
    name: "remove of a file",
    operation: "remove",
    paths: ["d/y"],
    run: (backend, ctx) => backend.remove(ctx, at("d/y")),
    after: without("d/y"),
    syncs: ["commit", "sync d"],
  },
  {
    name: "remove of an empty directory",
    operation: "remove",
    paths: ["h"],
    run: (backend, ctx) => backend.remove(ctx, at("h")),
    after: without("h"),
    syncs: ["commit", "sync ."],
  },
  {
    name: "remove of a tree",
    operation: "remove",
    paths: ["d"],
    run: (backend, ctx) => backend.remove(ctx, at("d"), { recursive: true }),
    after: without("d", "d/e", "d/e/x", "d/y"),
    syncs: ["commit", "sync ."],
  },
  {
    name: "remove of all in the root",
    operation: "remove",
    paths: [""],
    run: (backend, ctx) => backend.remove(ctx, at(""), { recursive: true }),
    after: {},
    syncs: ["commit", "sync ."],
  },
  {
    name: "copy of a file",
    operation: "copy",
    paths: ["f", "q/f"],
    run: (backend, ctx) => backend.copy(ctx, at("f"), at("q/f")),
    after: { ...before, q: null, "q/f": "old" },
    syncs: ["datasync S", "commit", "sync q", "sync ."],
  },
  {
    name: "copy of a file over a file",
    operation: "copy",
    paths: ["f", "d/y"],
    run: (backend, ctx) => backend.copy(ctx, at("f"), at("d/y"), { mode: "overwrite" }),
    after: { ...before, "d/y": "old" },
    syncs: ["datasync S", "commit", "sync d"],
  },
  {
    name: "copy of a directory",
    operation: "copy",
    paths: ["d", "m/n/d"],
    run: (backend, ctx) => backend.copy(ctx, at("d"), at("m/n/d")),
    after: {
      ...before,
      m: null,
      "m/n": null,
      "m/n/d": null,
      "m/n/d/e": null,
      "m/n/d/e/x": "deep",
      "m/n/d/y": "flat",
    },
    syncs: [
      "datasync S/e/x",
      "sync S/e",
      "datasync S/y",
      "sync S",
      "commit",
      "sync m/n",
      "sync m",
      "sync .",
    ],
  },
  {
    name: "move of a file",
    operation: "move",
    paths: ["f", "m/n/f"],
    run: (backend, ctx) => backend.move(ctx, at("f"), at("m/n/f")),
    after: { ...without("f"), m: null, "m/n": null, "m/n/f": "old" },
    syncs: ["commit", "sync m/n", "sync m", "sync ."],
  },
  {
    name: "move of a file over a file",
    operation: "move",
    paths: ["f", "d/y"],
    run: (backend, ctx) => backend.move(ctx, at("f"), at("d/y"), { mode: "overwrite" }),
    after: { ...without("f"), "d/y": "old" },
    syncs: ["commit", "sync d", "sync ."],
  },
  {
    name: "move of a directory",
    operation: "move",
    paths: ["d/e", "h/n/e"],
    run: (backend, ctx) => backend.move(ctx, at("d/e"), at("h/n/e")),
    after: { ...without("d/e", "d/e/x"), "h/n": null, "h/n/e": null, "h/n/e/x": "deep" },
    syncs: ["commit", "sync h/n", "sync h", "sync d"],
  },
];
