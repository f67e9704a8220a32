import {
  type Backend,
  type ErrorCode,
  FileError,
  parseBackendPath,
  type Recovery,
} from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import {
  bytesBody,
  collect,
  overrideBackend,
  plainContext,
  stack,
  streamBody,
  textBody,
} from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { chaos, type Fault, perOperation, retry, type RetryOptions } from "./index.ts";

const ctx = plainContext();
const path = parseBackendPath;
const quick: RetryOptions = { minDelayMs: 1, maxDelayMs: 2 };

const faulty = (
  plan: Parameters<typeof perOperation>[0],
  options: RetryOptions = quick,
): { inner: Backend; backend: Backend; calls: () => number } => {
  const inner = memory();
  const faults = chaos({ schedule: perOperation(plan) });
  return { inner, backend: stack(inner, retry(options), faults.layer), calls: faults.calls };
};
const content = async (backend: Backend, at: string): Promise<string> => {
  await using read = await backend.read(ctx, path(at));
  return new TextDecoder().decode(await collect(read.content));
};
const times = (fault: Fault, n: number): readonly Fault[] => Array.from({ length: n }, () => fault);

describe("retry", () => {
  it("repeats idempotent operations, and says when that was in vain", async () => {
    const { backend, calls } = faulty({ stat: times("unavailable-before", 3) });
    expect((await backend.stat(ctx, path(""))).kind).toBe("directory");
    expect(calls()).toBe(4);
    const worse = faulty({ stat: times("unavailable-before", 4) });
    await expect(worse.backend.stat(ctx, path(""))).rejects.toMatchObject({
      code: "unavailable",
      retry: "exhausted",
    });
    expect(worse.calls()).toBe(4);
  });

  it.each<ErrorCode>(["not-found", "precondition-failed", "internal", "aborted"])(
    "does not repeat what was answered with %s, and passes it on as it is",
    async (code) => {
      const error = new FileError(code, "x");
      let asked = 0;
      const inner = overrideBackend(memory(), {
        stat: () => ((asked += 1), Promise.reject(error)),
      });
      await expect(retry(quick)(inner).stat(ctx, path(""))).rejects.toBe(error);
      expect(asked).toBe(1);
    },
  );

  it("passes on what is no error of ours, even if it is no error at all", async () => {
    const inner = overrideBackend(memory(), { stat: () => Promise.reject("nothing") });
    await expect(retry(quick)(inner).stat(ctx, path(""))).rejects.toBe("nothing");
  });

  it("repeats a mutation whose commit was never asked, conditional or not", async () => {
    const { inner, backend, calls } = faulty({ write: ["reset-before", "torn-write"] });
    const { etag } = await inner.write(ctx, path("f"), textBody("old"));
    const commits: number[] = [];
    const own = plainContext({ commit: async ({ size }) => void commits.push(size) });
    const result = await backend.write(own, path("f"), textBody("renewed"), {
      mode: { ifMatch: etag },
    });
    expect(result).toMatchObject({ created: false, size: 7, replaced: { size: 3 } });
    expect(await content(inner, "f")).toBe("renewed");
    expect(calls()).toBe(3);
    expect(commits).toEqual([7]);
  });

  it.each<Fault>(["unavailable-commit", "unavailable-after", "reset-after"])(
    "does not repeat a mutation after its commit was asked: %s",
    async (fault) => {
      const { inner, backend, calls } = faulty({ write: [fault] });
      const { etag } = await inner.write(ctx, path("f"), textBody("old"));
      await expect(
        backend.write(ctx, path("f"), textBody("new"), { mode: { ifMatch: etag } }),
      ).rejects.toMatchObject({ code: "unavailable", retry: "safe" });
      expect(calls()).toBe(1);
      expect(await content(inner, "f")).toBe(fault === "unavailable-commit" ? "old" : "new");
    },
  );

  it.each([
    ["undone", 2],
    ["done", 1],
    ["unknown", 1],
  ] as const)("asks the storage whether a committed effect stands: %s", async (side, wanted) => {
    const asked: unknown[] = [];
    const recovery: Recovery = {
      recover: async (_, interrupted) => {
        asked.push(interrupted);
        if (side === "unknown") throw new FileError("unavailable", "Cannot tell.");
        return side;
      },
      sweep: () => Promise.resolve(),
    };
    const staged: string[] = [];
    const own = plainContext({ commit: async ({ id }) => void staged.push(id) });
    const fault: Fault = side === "undone" ? "unavailable-commit" : "unavailable-after";
    const { backend, calls } = faulty({ write: [fault] }, { ...quick, recovery });
    const call = backend.write(own, path("f"), textBody("new"), { mode: "create" });
    if (side === "undone") expect(await call).toMatchObject({ created: true });
    else await expect(call).rejects.toMatchObject({ code: "unavailable" });
    expect(calls()).toBe(wanted);
    expect(asked).toEqual([{ operation: "write", paths: ["f"], staged: staged[0] }]);
  });

  it("does not ask for a side while a late attempt may still be running", async () => {
    const inner = memory();
    let tries = 0;
    const late = overrideBackend(inner, {
      write: async (c) => {
        tries += 1;
        await c.commit({ id: "s", size: 1 });
        throw new FileError("timeout", "Still running.");
      },
    });
    const recovery: Recovery = {
      recover: () => Promise.resolve("undone"),
      sweep: () => Promise.resolve(),
    };
    await expect(
      retry({ ...quick, recovery })(late).write(ctx, path("f"), textBody("x")),
    ).rejects.toMatchObject({ code: "timeout", retry: "safe" });
    expect(tries).toBe(1);
  });

  it("does not take another size for a success", async () => {
    const inner = memory();
    const lying = overrideBackend(inner, {
      write: async (...args) => ({ ...(await inner.write(...args)), size: 1 }),
    });
    await expect(
      retry(quick)(lying).write(ctx, path("f"), textBody("whole")),
    ).rejects.toMatchObject({ code: "unavailable" });
  });

  it("does not send a body again that cannot be, but one that was never begun", async () => {
    async function* once(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3);
    }
    const begun = faulty({ write: ["reset-before"] });
    await expect(begun.backend.write(ctx, path("f"), streamBody(once()))).rejects.toMatchObject({
      code: "unavailable",
      retry: "safe",
    });
    expect(begun.calls()).toBe(1);
    const untouched = faulty({ write: ["unavailable-before"] });
    expect((await untouched.backend.write(ctx, path("f"), streamBody(once()))).size).toBe(3);
  });

  it("does not repeat what the sender or the ledger refused, whatever it says", async () => {
    const error = new FileError("unavailable", "not the storage's");
    const broken = {
      size: undefined,
      replayable: true,
      async *open(): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(1);
        throw error;
      },
    };
    const { backend, calls } = faulty({});
    await expect(backend.write(ctx, path("f"), broken)).rejects.toBe(error);
    const refusing = plainContext({ commit: () => Promise.reject(error) });
    await expect(backend.write(refusing, path("f"), textBody("x"))).rejects.toBe(error);
    expect(calls()).toBe(2);
  });

  it("stops waiting when the request is cancelled, and never hides a success", async () => {
    const controller = new AbortController();
    const own = plainContext({ signal: controller.signal });
    const { backend } = faulty(
      { stat: times("unavailable-before", 9) },
      { minDelayMs: 60_000, maxDelayMs: 60_000 },
    );
    const waiting = backend.stat(own, path(""));
    setTimeout(() => controller.abort(), 10);
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });

    const late = new AbortController();
    let tries = 0;
    const inner = memory();
    const closing = overrideBackend(inner, {
      write: async (...args) => {
        tries += 1;
        if (tries === 1) throw new FileError("unavailable", "Once.");
        const result = await inner.write(...args);
        late.abort();
        return result;
      },
    });
    const written = retry(quick)(closing).write(
      plainContext({ signal: late.signal }),
      path("f"),
      textBody("x"),
    );
    expect((await written).created).toBe(true);
  });

  it("refuses the commit of an attempt that was given up on", async () => {
    const inner = memory();
    let late: Promise<unknown> = Promise.resolve();
    let tries = 0;
    const split = overrideBackend(inner, {
      write: async (c, at, body, options) => {
        tries += 1;
        if (tries > 1) return inner.write(c, at, body, options);
        late = new Promise((resolve) => setTimeout(resolve, 20)).then(() =>
          inner.write(c, at, textBody("odd"), options),
        );
        late.catch(() => undefined);
        throw new FileError("timeout", "Given up on.");
      },
    });
    await retry(quick)(split).write(ctx, path("f"), textBody("new"));
    await expect(late).rejects.toMatchObject({ code: "aborted" });
    expect(await content(inner, "f")).toBe("new");
  });

  it("notices a reading that ends early, buffered or streamed, and repeats what it can", async () => {
    const small = faulty({ read: ["short-read"] });
    await small.inner.write(ctx, path("f"), textBody("whole"));
    expect(await content(small.backend, "f")).toBe("whole");
    const large = faulty({ read: ["short-read", undefined] });
    const bytes = new Uint8Array(1_000_000).fill(7);
    await large.inner.write(ctx, path("f"), bytesBody(bytes));
    await expect(content(large.backend, "f")).rejects.toMatchObject({ code: "unavailable" });
    expect((await content(large.backend, "f")).length).toBe(bytes.length);
  });
});
