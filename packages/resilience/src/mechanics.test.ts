import { type Backend, parseBackendPath } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { collect, overrideBackend, pastOf, plainContext, textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { readOnly } from "./read-only.ts";
import { verifyResidency } from "./residency.ts";

const ctx = plainContext();
const path = parseBackendPath;

describe("readOnly", () => {
  it("lets everything be read and nothing be changed", async () => {
    const inner = memory();
    await inner.write(ctx, path("f"), textBody("kept"));
    const backend = readOnly(inner);
    const past = pastOf(
      readOnly(
        overrideBackend(inner, {
          versions: () => Promise.resolve({ entries: [] }),
          restore: () => Promise.reject(new Error("not asked")),
        }),
      ),
    );
    const changes: readonly (() => Promise<unknown>)[] = [
      () => backend.write(ctx, path("f"), textBody("x")),
      () => backend.mkdir(ctx, path("d")),
      () => backend.remove(ctx, path("f")),
      () => backend.copy(ctx, path("f"), path("g")),
      () => backend.move(ctx, path("f"), path("g")),
      () => past.restore(ctx, path("f"), "1"),
    ];
    for (const change of changes)
      await expect(change()).rejects.toMatchObject({ code: "forbidden" });
    expect(await past.versions(ctx, path("f"))).toEqual({ entries: [] });
    expect((await backend.list(ctx, path(""))).entries.map((entry) => entry.name)).toEqual(["f"]);
    await using read = await backend.read(ctx, path("f"));
    expect(new TextDecoder().decode(await collect(read.content))).toBe("kept");
  });
});

describe("verifyResidency", () => {
  const inRegion = (region: string | undefined): Backend =>
    overrideBackend(memory(), { region: () => Promise.resolve(region) });

  it.each([
    [undefined, undefined, "unverified"],
    ["eu-west-1", undefined, "unverified"],
    ["eu-west-1", "eu-west-1", "verified"],
    ["eu-west-1", { attested: "eu-west-1" }, "verified"],
    [undefined, { attested: "eu-west-1" }, "unverified"],
  ] as const)("a storage in %s for a mount in %j is %s", async (real, wanted, answer) => {
    expect(await verifyResidency(inRegion(real), wanted)).toBe(answer);
  });

  it.each([
    ["us-east-1", "eu-west-1"],
    [undefined, "eu-west-1"],
    ["us-east-1", { attested: "eu-west-1" }],
    ["eu-west-10", "eu-west-1"],
  ] as const)("a storage in %s does not open for a mount in %j", async (real, wanted) => {
    await expect(verifyResidency(inRegion(real), wanted)).rejects.toMatchObject({
      code: "unavailable",
    });
  });
});
