import { describe, expect, it } from "vitest";
import { outgoing } from "./outgoing.ts";

const waiting = (): { source: ReadableStream<Uint8Array>; ended: () => unknown } => {
  let ended: unknown;
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel: (reason) => void (ended = reason),
  });
  return { source, ended: () => ended };
};

describe("a body on its way", () => {
  it("never looks complete when it was let go, and ends its source", async () => {
    const why = new Error("over");
    const gone = new AbortController();
    for (const stop of ["at once", "while it waits", "signal"] as const) {
      const { source, ended } = waiting();
      const { stream, release, broken } = outgoing(source, gone.signal);
      const reader = stream.getReader();
      expect((await reader.read()).done).toBe(false);
      const next = reader.read();
      if (stop !== "at once") await new Promise((resolve) => setTimeout(resolve, 5));
      if (stop === "signal") gone.abort(why);
      else release(why);
      await expect(next).rejects.toBe(why);
      expect(ended()).toBe(why);
      expect(broken()).toBeUndefined();
    }
    const { source, ended } = waiting();
    await expect(outgoing(source, gone.signal).stream.getReader().read()).rejects.toBe(why);
    expect(ended()).toBe(why);
  });

  it("tells what its source failed with", async () => {
    const error = new Error("disk");
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(error),
    });
    const { stream, broken } = outgoing(source, undefined);
    await expect(stream.getReader().read()).rejects.toBe(error);
    expect(broken()).toEqual({ error });
  });

  it("lets the runtime breathe between chunks that are always ready", async () => {
    let sent = 0;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const { stream, release } = outgoing(source, undefined);
    setTimeout(() => release(new Error("refused")));
    await expect(new Response(stream).arrayBuffer()).rejects.toThrow();
    expect(sent).toBeLessThan(1_048_576);
  });
});
