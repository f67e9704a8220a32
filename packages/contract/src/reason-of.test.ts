import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { reasonOf } from "./reason-of.ts";

const thrown = async (what: () => unknown): Promise<unknown> => {
  try {
    await what();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
};

test("What happened and its causes, outermost first", () => {
  const cause = new Error("No such folder.");
  expect(reasonOf(new Error("It cannot be opened now.", { cause }))).toBe(
    "It cannot be opened now. <- No such folder.",
  );
  expect(reasonOf(new TypeError())).toBe("TypeError");
  expect(reasonOf("text")).toBe("text");
});

test("No path of a file, and nothing of its content", async () => {
  const cause = await thrown(() => readFile("/nowhere/workspace/acme/plan.txt"));
  expect(reasonOf(new Error("It cannot be read.", { cause }))).toBe(
    "It cannot be read. <- ENOENT: open",
  );
  expect(reasonOf(await thrown(() => JSON.parse("secret")))).toBe("SyntaxError");
});
