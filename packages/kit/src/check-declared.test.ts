import { type Capability, isFileError, pathLimits } from "@bulkhead/contract";
import { checkDeclared, plainContext } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";

const nothing: Capability = {
  conditionalWrite: false,
  atomicMove: false,
  directories: false,
  versions: false,
  exactReplace: false,
  contentEtag: false,
  orderedList: false,
  contentType: false,
  metadata: false,
  durable: false,
  maxFileSize: 10,
  maxPathBytes: pathLimits.pathBytes,
};
const everything: Capability = {
  ...nothing,
  conditionalWrite: true,
  versions: true,
  metadata: true,
  maxFileSize: undefined,
};

const codeOf = (call: () => void): readonly [string, string] => {
  try {
    call();
  } catch (error) {
    if (isFileError(error)) return [error.code, error.detail];
    throw error;
  }
  return ["none", ""];
};

describe("checkDeclared", () => {
  for (const [option, options] of [
    ["metadata", { metadata: { a: "b" } }],
    ["version", { version: "1" }],
    ["mode", { mode: "create" }],
    ["mode", { mode: { ifMatch: "x" } }],
  ] as const)
    it(`names ${JSON.stringify(options)} where it is not declared, and takes it where it is`, () => {
      const [code, detail] = codeOf(() => checkDeclared(nothing, options));
      expect(code).toBe("invalid-request");
      expect(detail).toContain(`'${option}'`);
      expect(codeOf(() => checkDeclared(everything, options))[0]).toBe("none");
    });

  it("takes what every storage can", () => {
    for (const options of [
      undefined,
      {},
      { mode: "overwrite" },
      { contentType: "text/plain" },
    ] as const)
      expect(codeOf(() => checkDeclared(nothing, options, 10))[0]).toBe("none");
  });

  it("refuses a size beyond the largest file, where it is known", () => {
    expect(codeOf(() => checkDeclared(nothing, {}, 11))[0]).toBe("too-large");
    expect(codeOf(() => checkDeclared(nothing, undefined, 11))[0]).toBe("too-large");
    expect(codeOf(() => checkDeclared(nothing, {}, undefined))[0]).toBe("none");
    expect(codeOf(() => checkDeclared(everything, {}, 1e15))[0]).toBe("none");
  });
});

describe("plainContext", () => {
  it("grants commits, is not cancelled, and shares no draft", async () => {
    const ctx = plainContext();
    await expect(ctx.commit({ id: "x", size: 0 })).resolves.toBeUndefined();
    expect(ctx.signal.aborted).toBe(false);
    ctx.settlement.reserved.bytes = 5;
    expect(plainContext().settlement.reserved.bytes).toBe(0);
  });

  it("passes on what it is given", () => {
    const signal = AbortSignal.abort();
    const commit = (): Promise<void> => Promise.reject(new Error("no"));
    const ctx = plainContext({ signal, requestId: "r", now: 7, commit });
    expect([ctx.signal, ctx.requestId, ctx.now, ctx.commit]).toEqual([signal, "r", 7, commit]);
  });
});
