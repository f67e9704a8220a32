import { FileError } from "@bulkhead/contract";
import { describe, expect, it } from "vitest";
import { answerFor, DiskFault } from "./disk-fault.ts";

describe("what the disk says", () => {
  it.each<readonly [string, string]>([
    ["ENOENT", "not-found"],
    ["ELOOP", "not-found"],
    ["EEXIST", "already-exists"],
    ["ENOTDIR", "not-directory"],
    ["EISDIR", "is-directory"],
    ["ENOTEMPTY", "not-empty"],
    ["ENAMETOOLONG", "invalid-path"],
    ["EFBIG", "too-large"],
    ...[
      "ENOSPC",
      "EDQUOT",
      "EMFILE",
      "ENFILE",
      "EIO",
      "EACCES",
      "EPERM",
      "EROFS",
      "EXDEV",
      "ESTALE",
      "EWHAT",
    ].map((code) => [code, "unavailable"] as const),
  ])("%s is answered as %s", (code, answer) => {
    const error = answerFor(new DiskFault(code));
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ code: answer });
    expect(error).not.toHaveProperty("cause");
  });

  it("says whether another try at once would meet the same", () => {
    const retryOf = (code: string): unknown =>
      Reflect.get(Object(answerFor(new DiskFault(code))), "retry");
    expect(["ENOSPC", "EDQUOT", "EROFS"].map(retryOf)).toEqual(Array(3).fill("exhausted"));
    expect(["EIO", "EMFILE"].map(retryOf)).toEqual(["safe", "safe"]);
  });

  it("is told from what others throw", () => {
    const other = Object.assign(new Error("body"), { code: "ENOENT" });
    expect(answerFor(other)).toBe(other);
  });
});
