import { refuses, same } from "../assert.ts";
import type { Topic } from "../case.ts";

export const directories: Topic = {
  name: "directories",
  cases: [
    {
      name: "makes a directory that stays though it is empty",
      needs: ["directories"],
      run: async (t) => {
        await t.mkdir("d");
        await t.mkdir("d/e");
        same((await t.stat("d/e")).kind, "directory", "its kind");
        same(await t.list("d/e"), { entries: [] }, "its page");
        await t.expectTree({ "d/": "", "d/e/": "" }, "after mkdir");
      },
    },
    {
      name: "keeps a directory when its last file goes",
      needs: ["directories"],
      run: async (t) => {
        await t.plant({ "d/e/f": "x" });
        await t.remove("d/e/f");
        await t.expectTree({ "d/e/": "" }, "after the removal");
      },
    },
    {
      name: "writes into a directory that was made",
      needs: ["directories"],
      run: async (t) => {
        await t.mkdir("d");
        await t.put("d/f", "x");
        await t.expectTree({ "d/f": "x" }, "after the write");
      },
    },
    {
      name: "refuses to make what exists",
      needs: ["directories"],
      run: async (t) => {
        await t.plant({ "d/f": "x" });
        for (const path of ["", "d", "d/f"])
          await refuses(t.mkdir(path), "already-exists", `'${path}'`);
        await t.expectTree({ "d/f": "x" }, "after the refusals");
      },
    },
    {
      name: "refuses to make a directory in nothing or below a file",
      needs: ["directories"],
      run: async (t) => {
        await t.plant({ "d/f": "x" });
        await refuses(t.mkdir("missing/d"), "not-found", "in nothing");
        await refuses(t.mkdir("d/missing/e"), "not-found", "in nothing, deeper");
        await refuses(t.mkdir("d/f/g"), "not-directory", "below a file");
        await refuses(t.mkdir("d/f/g/h"), "not-directory", "below a file, deeper");
        await t.expectTree({ "d/f": "x" }, "after the refusals");
      },
    },
    {
      name: "shows parents that a write made as long as something is in them",
      run: async (t) => {
        await t.plant({ "a/b/f": "1", "a/g": "2" });
        await t.remove("a/b/f");
        same((await t.stat("a")).kind, "directory", "the parent that still holds a file");
        same(await t.get("a/g"), "2", "the other file");
      },
    },
  ],
};
