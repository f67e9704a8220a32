import { FileError, type Mode, type MoveOptions } from "@bulkhead/contract";
import { ok, same } from "../assert.ts";
import type { Bench } from "../bench.ts";
import type { Topic } from "../case.ts";
import { model, type Model, type Outcome, type PlainMode } from "../model.ts";
import { random, type Random } from "../random.ts";

const outcome = async (attempt: Promise<unknown>): Promise<Outcome> => {
  try {
    return { answer: await attempt };
  } catch (error) {
    if (error instanceof FileError) return { code: error.code };
    throw error;
  }
};

/** Short names, so that paths meet; among them such as only begin alike. */
const names = ["a", "b", "a!", "ab"] as const;

const somewhere = (r: Random): string =>
  Array.from({ length: r.below(12) === 0 ? 0 : 1 + r.below(3) }, () => r.pick(names)).join("/");

const existing = (m: Model, r: Random): string => {
  const paths = Object.keys(m.tree());
  return paths[r.below(paths.length)]?.replace(/\/$/, "") ?? somewhere(r);
};

/** Spells a mode for the backend; `match` names what is there now. */
const spell = async (t: Bench, path: string, mode: PlainMode): Promise<Mode> => {
  if (mode === "overwrite" || mode === "create") return mode;
  if (mode === "mismatch") return { ifMatch: "no such etag" };
  const etag = await t.stat(path).then(
    (stat) => stat.etag,
    () => undefined,
  );
  return { ifMatch: etag ?? "nothing there" };
};

const plainWrite = (answer: {
  size?: number;
  created?: boolean;
  replaced?: { size: number };
}): unknown => ({
  size: answer.size,
  created: answer.created,
  replaced: answer.replaced?.size,
});

/** One random operation, done to both; answers what was done and what came of it. */
const step = async (
  t: Bench,
  m: Model,
  r: Random,
  i: number,
): Promise<readonly [string, Outcome, Outcome]> => {
  // Every other source is one that exists, or most of the walk would be refusals.
  const path = r.below(2) === 0 ? somewhere(r) : existing(m, r);
  const to = somewhere(r);
  const mode = r.pick(["overwrite", "overwrite", "create", "create", "match", "mismatch"]);
  const recursive = r.below(3) === 0;
  const content = `${i}`.repeat(r.below(4));
  switch (
    r.pick(["write", "write", "write", "read", "mkdir", "mkdir", "remove", "copy", "move", "move"])
  ) {
    case "write": {
      const options = { mode: await spell(t, path, mode) };
      const got = await outcome(t.put(path, content, options).then(plainWrite));
      return [`write '${path}', ${mode}`, got, m.write(path, content, mode)];
    }
    case "read":
      return [`read '${path}'`, await outcome(t.get(path)), m.read(path)];
    case "mkdir":
      return [`mkdir '${path}'`, await outcome(t.mkdir(path)), m.mkdir(path)];
    case "remove":
      return [
        `remove '${path}', ${recursive}`,
        await outcome(t.remove(path, { recursive })),
        m.remove(path, recursive),
      ];
    case "copy": {
      const options: MoveOptions = { mode: await spell(t, to, mode) };
      const plain = async (): Promise<unknown> => {
        const answer = await t.copy(path, to, options);
        return "etag" in answer ? plainWrite(answer) : answer;
      };
      return [`copy '${path}' to '${to}', ${mode}`, await outcome(plain()), m.copy(path, to, mode)];
    }
    case "move": {
      const options: MoveOptions = { mode: await spell(t, to, mode) };
      const got = await outcome(
        t.move(path, to, options).then((answer) => ({ replaced: answer.replaced?.size })),
      );
      return [`move '${path}' to '${to}', ${mode}`, got, m.move(path, to, mode)];
    }
  }
};

const wander = async (t: Bench, seed: number, steps: number): Promise<void> => {
  const r = random(seed);
  const m = model();
  const done: string[] = [];
  let succeeded = 0;
  for (let i = 0; i < steps; i++) {
    const [what, got, expected] = await step(t, m, r, i);
    done.push(what);
    const where = `seed ${seed}, step ${i}, ${done.slice(-5).join("; ")}`;
    same(got, expected, where);
    if ("answer" in got) succeeded += 1;
    if (i % 10 === 9) same(await t.tree(), m.tree(), `${where}: what is stored`);
  }
  ok(
    succeeded > steps / 5,
    `seed ${seed}: only ${succeeded} of ${steps} operations came to anything`,
  );
};

export const wandering: Topic = {
  name: "wandering",
  cases: Array.from({ length: 4 }, (_, i) => ({
    name: `answers 300 random operations as a plain map does, walk ${i + 1}`,
    needs: ["directories", "conditionalWrite", "exactReplace"],
    run: (t) => wander(t, t.seed + i, 300),
  })),
};
