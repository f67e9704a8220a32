import { type Backend, FileError, type Layer, parseBackendPath } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { guard, overrideBackend, plainContext, stack, textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { mechanics, mechanicsOrder } from "./index.ts";

const ctx = plainContext();
const path = parseBackendPath;
const passing: Layer<Backend> = (inner) => inner;

describe("mechanics", () => {
  it("lays every place out in its order, and leaves out what is not wanted", () => {
    const all = mechanics({ residency: passing, readOnly: true, settle: passing, cache: {} });
    expect(all.map(({ place }) => place)).toEqual(mechanicsOrder.map(([place]) => place));
    expect(all.map(({ place }) => place).join(" ▸ ")).toBe(
      "residency ▸ readOnly ▸ settle ▸ cache ▸ breaker ▸ retry ▸ timeout ▸ concurrency",
    );
    expect(all.every(({ reason }) => reason.length > 20)).toBe(true);
    expect(mechanics().map(({ place }) => place)).toEqual([
      "breaker",
      "retry",
      "timeout",
      "concurrency",
    ]);
    const none = { breaker: false, retry: false, timeout: false, concurrency: false } as const;
    expect(mechanics(none)).toEqual([]);
  });

  it("begins no intent for what is read-only, and one for what is tried twice", async () => {
    const seen: string[] = [];
    const settle: Layer<Backend> = (inner) =>
      overrideBackend(inner, {
        ...guard<ReturnType<typeof path>, typeof ctx>((c, call, next) => {
          seen.push(call.operation);
          return next(c);
        })(inner),
      });
    let tries = 0;
    const inner = memory();
    const flaky = overrideBackend(inner, {
      write: async (...args) => {
        tries += 1;
        if (tries === 1) throw new FileError("unavailable", "Once.");
        return inner.write(...args);
      },
    });
    const stackOf = (readOnly: boolean): Backend =>
      stack(flaky, ...mechanics({ settle, readOnly }).map(({ layer }) => layer));
    await expect(stackOf(true).write(ctx, path("f"), textBody("x"))).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(seen).toEqual([]);
    await stackOf(false).write(ctx, path("f"), textBody("x"));
    expect([seen, tries]).toEqual([["write"], 2]);
  });
});
