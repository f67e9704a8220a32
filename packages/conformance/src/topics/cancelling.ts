import type { OpContext } from "@bulkhead/contract";
import { chunksOf } from "@bulkhead/kit";
import { at, type Bench, context, type TreeShape } from "../bench.ts";
import { refuses, same, ok } from "../assert.ts";
import { chunked, pattern } from "../bodies.ts";
import type { Case, Topic } from "../case.ts";
import { sleep } from "../gate.ts";

const shape: TreeShape = { f: "old", "d/g": "x" };

/** Every operation, as a request that was cancelled before it came. */
const calls: Readonly<Record<string, (t: Bench, ctx: OpContext) => Promise<unknown>>> = {
  stat: (t, ctx) => t.stat("f", ctx),
  read: (t, ctx) => t.backend.read(ctx, at("f")),
  list: (t, ctx) => t.list("d", {}, ctx),
  write: (t, ctx) => t.put("f", "new", {}, ctx),
  "write of a new file": (t, ctx) => t.put("n/e/w", "new", {}, ctx),
  mkdir: (t, ctx) => t.mkdir("e", ctx),
  remove: (t, ctx) => t.remove("f", {}, ctx),
  "remove of a directory": (t, ctx) => t.remove("d", { recursive: true }, ctx),
  copy: (t, ctx) => t.copy("f", "n/e/w", {}, ctx),
  "copy of a directory": (t, ctx) => t.copy("d", "e", {}, ctx),
  move: (t, ctx) => t.move("f", "n/e/w", {}, ctx),
  "move of a directory": (t, ctx) => t.move("d", "e", {}, ctx),
};

const early: readonly Case[] = Object.entries(calls).map(([name, call]) => ({
  name: `refuses a cancelled ${name}`,
  run: async (t) => {
    await t.plant(shape);
    let commits = 0;
    const ctx = context({ signal: AbortSignal.abort(), commit: async () => void commits++ });
    await refuses(call(t, ctx), "aborted", name);
    same(commits, 0, "commits");
    await t.expectTree(shape, "afterwards");
  },
}));

const targets: readonly (readonly [string, string])[] = [
  ["over a file", "f"],
  ["as a new file", "n/e/w"],
];

export const cancelling: Topic = {
  name: "cancelling",
  cases: [
    ...early,
    ...targets.flatMap(([name, path]): readonly Case[] => [
      {
        name: `stops a write in the middle, ${name}`,
        run: async (t) => {
          await t.plant(shape);
          const controller = new AbortController();
          const body = chunked([
            pattern(100_000),
            () => Promise.resolve(controller.abort()),
            pattern(100_000),
            "the end",
          ]);
          await refuses(
            t.put(path, body, {}, context({ signal: controller.signal })),
            "aborted",
            "the write",
          );
          await t.expectTree(shape, "afterwards");
        },
      },
      {
        name: `stops a write whose body never goes on, ${name}`,
        run: async (t) => {
          await t.plant(shape);
          const controller = new AbortController();
          const body = chunked([
            "begun",
            () => new Promise<void>(() => setTimeout(() => controller.abort(), 20)),
          ]);
          await refuses(
            t.put(path, body, {}, context({ signal: controller.signal })),
            "aborted",
            "the write",
          );
          await t.expectTree(shape, "afterwards");
          await t.put(path, "goes on");
          same(await t.get(path), "goes on", "a later write");
        },
      },
      {
        name: `stops a write that is cancelled with its last byte, ${name}`,
        run: async (t) => {
          await t.plant(shape);
          const controller = new AbortController();
          const body = chunked(["whole", () => Promise.resolve(controller.abort())], 5);
          await refuses(
            t.put(path, body, {}, context({ signal: controller.signal })),
            "aborted",
            "the write",
          );
          await t.expectTree(shape, "afterwards");
        },
      },
    ]),
    {
      name: "stops a write whose body never ends, and lets the body go",
      run: async (t) => {
        await t.plant(shape);
        const controller = new AbortController();
        let pulled = 0;
        let letGo = false;
        async function* endless(): AsyncGenerator<Uint8Array> {
          try {
            for (; ; pulled++) {
              if (pulled === 5) controller.abort();
              // Bounded, so that a backend that goes on pulling fails this case and not the machine.
              if (pulled > 2000) throw new Error("pulled long after the cancellation");
              yield pattern(1000);
            }
          } finally {
            letGo = true;
          }
        }
        const body = { size: undefined, replayable: false, open: endless };
        await refuses(
          t.put("f", body, {}, context({ signal: controller.signal })),
          "aborted",
          "the write",
        );
        for (let i = 0; i < 20 && !letGo; i++) await sleep(20);
        ok(letGo, "the body is let go");
        await t.expectTree(shape, "afterwards");
      },
    },
    {
      name: "ends a cancelled reading whole or with an error, never short",
      run: async (t) => {
        const content = pattern(3_000_000);
        await t.put("f", content);
        const controller = new AbortController();
        await using read = await t.backend.read(context({ signal: controller.signal }), at("f"));
        let size = 0;
        const draining = (async () => {
          for await (const chunk of chunksOf(read.content)) {
            size += chunk.length;
            controller.abort();
          }
          return "ended";
        })();
        const outcome = await draining.catch(() => "failed");
        ok(
          outcome === "failed" || size === content.length,
          "a reading that ends without an error is whole",
        );
      },
    },
    {
      name: "takes no notice of a signal that comes after the answer",
      run: async (t) => {
        const controller = new AbortController();
        await t.put("f", "content", {}, context({ signal: controller.signal }));
        controller.abort();
        same(await t.get("f"), "content", "the content");
      },
    },
  ],
};
