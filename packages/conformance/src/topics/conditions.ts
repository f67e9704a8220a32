import type { Topic } from "../case.ts";
import { ok, refuses, same } from "../assert.ts";
import { chunked } from "../bodies.ts";

export const conditions: Topic = {
  name: "conditional writes",
  cases: [
    {
      name: "creates only where nothing is",
      needs: ["conditionalWrite"],
      run: async (t) => {
        same((await t.put("d/f", "one", { mode: "create" })).created, true, "created");
        await refuses(t.put("d/f", "two", { mode: "create" }), "already-exists", "creating again");
        await t.expectTree({ "d/f": "one" }, "after the refusal");
      },
    },
    {
      name: "creates again after a removal",
      needs: ["conditionalWrite"],
      run: async (t) => {
        await t.put("f", "one", { mode: "create" });
        await t.remove("f");
        same((await t.put("f", "two", { mode: "create" })).created, true, "created");
        same(await t.get("f"), "two", "the content");
      },
    },
    {
      name: "replaces the file that ifMatch names",
      needs: ["conditionalWrite"],
      run: async (t) => {
        const { etag } = await t.put("f", "one");
        const answer = await t.put("f", "three", { mode: { ifMatch: etag } });
        same([answer.created, answer.replaced?.size], [false, 3], "the answer");
        ok(answer.etag !== etag, "another content has another ETag");
        same(await t.get("f"), "three", "the content");
      },
    },
    {
      name: "refuses ifMatch of what was overwritten, and tells the ETag that is there",
      needs: ["conditionalWrite"],
      run: async (t) => {
        const old = (await t.put("f", "one")).etag;
        const now = (await t.put("f", "two")).etag;
        const error = await refuses(
          t.put("f", "three", { mode: { ifMatch: old } }),
          "precondition-failed",
          "a stale ETag",
        );
        same(error.fields.etag, now, "the ETag in the refusal");
        same(await t.get("f"), "two", "the content");
      },
    },
    ...["", "*", "no such etag", '"quoted"', "0"].map((ifMatch) => ({
      name: `takes ifMatch ${JSON.stringify(ifMatch)} as an ETag that is not there`,
      needs: ["conditionalWrite"] as const,
      run: async (t: Parameters<Topic["cases"][number]["run"]>[0]) => {
        await t.put("f", "one");
        await refuses(t.put("f", "two", { mode: { ifMatch } }), "precondition-failed", "on a file");
        await refuses(
          t.put("g", "two", { mode: { ifMatch } }),
          "precondition-failed",
          "on nothing",
        );
        await refuses(
          t.put("d/g", "two", { mode: { ifMatch } }),
          "precondition-failed",
          "below nothing",
        );
        await t.expectTree({ f: "one" }, "after the refusals");
      },
    })),
    {
      name: "refuses ifMatch on what was removed",
      needs: ["conditionalWrite"],
      run: async (t) => {
        const { etag } = await t.put("f", "one");
        await t.remove("f");
        await refuses(
          t.put("f", "two", { mode: { ifMatch: etag } }),
          "precondition-failed",
          "on a removed file",
        );
        await t.expectTree({}, "after the refusal");
      },
    },
    {
      name: "judges a condition by what is there when the body has ended",
      needs: ["conditionalWrite"],
      run: async (t) => {
        const { etag } = await t.put("f", "one");
        const slow = (path: string, mode: "create" | { ifMatch: string }) =>
          t.put(
            path,
            chunked(["late ", async () => void (await t.put(path, "meanwhile")), "content"]),
            { mode },
          );
        await refuses(slow("f", { ifMatch: etag }), "precondition-failed", "ifMatch, overtaken");
        await refuses(slow("g", "create"), "already-exists", "create, overtaken");
        await t.expectTree({ f: "meanwhile", g: "meanwhile" }, "after the refusals");
      },
    },
  ],
};
