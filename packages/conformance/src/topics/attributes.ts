import { ok, same } from "../assert.ts";
import { at, context } from "../bench.ts";
import type { Topic } from "../case.ts";

export const attributes: Topic = {
  name: "attributes",
  cases: [
    {
      name: "answers, stats and reads with one ETag, without quotes",
      run: async (t) => {
        const answer = await t.put("f", "x");
        const stat = await t.stat("f");
        await using read = await t.backend.read(context(), at("f"));
        same([stat.etag, read.stat.etag], [answer.etag, answer.etag], "the ETags");
        ok(
          !answer.etag.includes('"') && answer.etag !== "",
          "an ETag is not empty and holds no quotes",
        );
        const listed = (await t.list("")).entries[0];
        if (listed?.etag !== undefined) same(listed.etag, answer.etag, "the ETag in a listing");
      },
    },
    {
      name: "changes the ETag with every overwrite of the same size",
      run: async (t) => {
        const seen = new Set<string>();
        for (let i = 0; i < 50; i++)
          seen.add((await t.put("f", `content ${i % 10}${(i / 10) | 0}`)).etag);
        same(seen.size, 50, "different ETags");
      },
    },
    {
      name: "changes the ETag when a file is removed and made anew with other content",
      run: async (t) => {
        const first = (await t.put("f", "one")).etag;
        await t.remove("f");
        ok((await t.put("f", "two")).etag !== first, "another content has another ETag");
      },
    },
    {
      name: "gives equal content an equal ETag",
      needs: ["contentEtag"],
      run: async (t) => {
        same(
          (await t.put("a", "same")).etag,
          (await t.put("b", "same")).etag,
          "the ETags of equal content",
        );
      },
    },
    {
      name: "tells a time that does not run backwards",
      run: async (t) => {
        await t.put("f", "1");
        const first = (await t.stat("f")).modifiedAt;
        ok(Number.isFinite(first) && first > 0, "a time of modification is positive");
        await t.put("f", "2");
        ok(
          (await t.stat("f")).modifiedAt >= first,
          "an overwrite is not older than what it replaced",
        );
      },
    },
    {
      name: "keeps metadata, and replaces it with the content",
      needs: ["metadata"],
      run: async (t) => {
        const metadata = { color: "blue", note: "ünïcode" };
        await t.put("f", "x", { metadata });
        same((await t.stat("f")).metadata, metadata, "the metadata");
        await using read = await t.backend.read(context(), at("f"));
        same(read.stat.metadata, metadata, "the metadata of a read");
        await t.put("f", "y", { metadata: { other: "1" } });
        same((await t.stat("f")).metadata, { other: "1" }, "the metadata after an overwrite");
      },
    },
    {
      name: "keeps a content type",
      needs: ["contentType"],
      run: async (t) => {
        await t.put("f.txt", "x", { contentType: "application/x-odd; v=1" });
        same((await t.stat("f.txt")).contentType, "application/x-odd; v=1", "the content type");
      },
    },
    {
      name: "takes a content type as a hint where it cannot keep it",
      run: async (t) => {
        await t.put("f.txt", "x", { contentType: "application/x-odd" });
        same(await t.get("f.txt"), "x", "the content");
      },
    },
  ],
};
