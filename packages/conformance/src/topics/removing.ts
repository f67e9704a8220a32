import { ok, refuses, same } from "../assert.ts";
import type { Topic } from "../case.ts";

export const removing: Topic = {
  name: "removing",
  cases: [
    {
      name: "removes a file and says what is gone",
      run: async (t) => {
        await t.plant({ "d/a": "12345", "d/b": "1" });
        same(await t.remove("d/a"), { files: 1, bytes: 5 }, "the answer");
        await t.expectTree({ "d/b": "1" }, "after the removal");
        await refuses(t.remove("d/a"), "not-found", "removing it again");
      },
    },
    ...["missing", "d/missing", "missing/deep", "f/below", "f/below/deep"].map((path) => ({
      name: `finds nothing to remove at '${path}'`,
      run: async (t: Parameters<Topic["cases"][number]["run"]>[0]) => {
        await t.plant({ f: "x", "d/g": "y" });
        await refuses(t.remove(path), "not-found", "plainly");
        await refuses(t.remove(path, { recursive: true }), "not-found", "recursively");
        await refuses(t.remove(path, { ifMatch: "x" }), "not-found", "conditionally");
        await t.expectTree({ f: "x", "d/g": "y" }, "after the refusals");
      },
    })),
    {
      name: "removes an empty directory",
      needs: ["directories"],
      run: async (t) => {
        await t.plant({ "d/": "", "d/e/": "" });
        same(await t.remove("d/e"), { files: 0, bytes: 0 }, "the answer");
        await t.expectTree({ "d/": "" }, "after the removal");
      },
    },
    {
      name: "refuses to remove a directory with something in it, unless recursively",
      run: async (t) => {
        await t.plant({ "d/e/f": "123", "d/g": "45", "d!": "k", "d0/x": "k", dd: "k" });
        await refuses(t.remove("d"), "not-empty", "plainly");
        await refuses(t.remove("d", { recursive: false }), "not-empty", "plainly, said so");
        same(await t.remove("d", { recursive: true }), { files: 2, bytes: 5 }, "the answer");
        await t.expectTree(
          { "d!": "k", "d0/x": "k", dd: "k" },
          "after the removal: what only begins alike stays",
        );
      },
    },
    {
      name: "holds a directory with only a directory in it for not empty",
      needs: ["directories"],
      run: async (t) => {
        await t.plant({ "d/": "", "d/e/": "" });
        await refuses(t.remove("d"), "not-empty", "plainly");
        same(await t.remove("d", { recursive: true }), { files: 0, bytes: 0 }, "the answer");
        await t.expectTree({}, "after the removal");
      },
    },
    {
      name: "empties the root and keeps it",
      run: async (t) => {
        await t.plant({ "d/e/f": "123", g: "45" });
        await refuses(t.remove(""), "not-empty", "plainly");
        same(await t.remove("", { recursive: true }), { files: 2, bytes: 5 }, "the answer");
        await t.expectTree({}, "after the removal");
        same((await t.stat("")).kind, "directory", "the root");
        await t.put("d/again", "x");
        await t.expectTree({ "d/again": "x" }, "after a new write");
      },
    },
    {
      name: "removes under ifMatch only the file that it names",
      needs: ["conditionalWrite"],
      run: async (t) => {
        const old = (await t.put("f", "one")).etag;
        const now = (await t.put("f", "two")).etag;
        const error = await refuses(
          t.remove("f", { ifMatch: old }),
          "precondition-failed",
          "a stale ETag",
        );
        same(error.fields.etag, now, "the ETag in the refusal");
        same(await t.get("f"), "two", "the content");
        same(await t.remove("f", { ifMatch: now }), { files: 1, bytes: 3 }, "the answer");
        await t.expectTree({}, "after the removal");
      },
    },
    {
      name: "refuses ifMatch on a directory",
      needs: ["conditionalWrite"],
      run: async (t) => {
        await t.plant({ "d/f": "x" });
        const ifMatch = await t.etag("d/f");
        for (const path of ["d", ""])
          await refuses(
            t.remove(path, { recursive: true, ifMatch }),
            "precondition-failed",
            `'${path}'`,
          );
        await t.expectTree({ "d/f": "x" }, "after the refusals");
      },
    },
    {
      name: "takes a tree away in one step",
      needs: ["atomicMove"],
      run: async (t) => {
        const names = Array.from({ length: 60 }, (_, i) => `d/s${i % 5}/f${i}`);
        for (const name of names) await t.put(name, name);
        let ended = false;
        let looks = 0;
        const removal = t.remove("d", { recursive: true }).finally(() => (ended = true));
        while (!ended) {
          const last = await t.get("d/s4/f59").then(
            () => true,
            () => false,
          );
          const first = await t.get("d/s0/f0").then(
            () => true,
            () => false,
          );
          const lastAgain = await t.get("d/s4/f59").then(
            () => true,
            () => false,
          );
          ok((last || !first) && (first || !lastAgain), "the tree went piece by piece");
          looks += 1;
        }
        same(await removal, { files: 60, bytes: names.join("").length }, "the answer");
        ok(looks > 0, "a reader looked");
        await t.expectTree({}, "after the removal");
      },
    },
  ],
};
