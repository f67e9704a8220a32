import { expect, test } from "vitest";
import { failedRequest } from "./failed-request.ts";

const entry = { requestId: "r-1", method: "GET", route: "/v1/files", ms: 1.6 };

test("A storage that is away is told in a sentence, with its cause", () => {
  const cause = new Error("No such folder.");
  const error = new Error("It cannot be opened now.", { cause });
  expect(failedRequest({ ...entry, status: 503, error })).toEqual({
    ...entry,
    ms: 2,
    status: 503,
    reason: "It cannot be opened now. <- No such folder.",
  });
});

test("What nobody foresaw comes with the stack of its cause", () => {
  const cause = new TypeError("x is not a function");
  const error = new Error("", { cause });
  const line = failedRequest({ ...entry, status: 500, error });
  expect(line).toMatchObject({
    status: 500,
    stack: expect.stringMatching(/^ +at .*failed-request/),
  });
  expect(failedRequest({ ...entry, status: 500, error: "text" })).toMatchObject({
    reason: "text",
  });
  const named = new Error("plan.txt is odd");
  const { stack } = failedRequest({
    ...entry,
    status: 500,
    error: new Error("", { cause: named }),
  });
  expect(stack).not.toContain("plan.txt");
});
