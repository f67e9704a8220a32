import { expect, test } from "vitest";
import { createSharedRead } from "./shared-read.ts";

test("A question is never answered by a read that began before it", async () => {
  const begun: number[] = [];
  let clock = 0;
  const read = createSharedRead<number, number>(async () => {
    const at = ++clock;
    begun.push(at);
    await new Promise((resolve) => setTimeout(resolve, 2));
    return at;
  }, 1000);
  const answers = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      await new Promise((resolve) => setTimeout(resolve, i % 9));
      const asked = clock;
      return { asked, answered: await read(i) };
    }),
  );
  for (const { asked, answered } of answers) expect(answered).toBeGreaterThan(asked);
  expect(begun.length).toBeLessThan(40);
});

test("A read that fails fails those who wait for the next, and the one after works", async () => {
  let fail = true;
  let reads = 0;
  const read = createSharedRead<number, string>(async () => {
    reads += 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (fail) throw new Error("away");
    return "here";
  }, 1000);
  const first = read(1);
  await new Promise((resolve) => setTimeout(resolve, 1));
  const second = read(2);
  await expect(first).rejects.toThrow("away");
  await expect(second).rejects.toThrow("away");
  expect(reads).toBe(1);
  fail = false;
  expect(await read(3)).toBe("here");
});

test("Nobody waits longer than the deadline", async () => {
  const read = createSharedRead<number, string>(() => new Promise(() => undefined), 50);
  await expect(read(1)).rejects.toMatchObject({ code: "unavailable" });
  await expect(read(2)).rejects.toMatchObject({ code: "unavailable" });
});
