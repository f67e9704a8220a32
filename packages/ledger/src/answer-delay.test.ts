import { expect, it } from "vitest";
import { answerDelay } from "./answer-delay.ts";
import type { Database } from "./database.ts";

it("tells by how much answers are later than at their best, and forgets it after a second", async () => {
  let now = 0;
  let takes = 1;
  const none = (): never => {
    throw new Error("Nobody asks for this.");
  };
  const database: Database = {
    call: async () => {
      now += takes;
      return none();
    },
    row: none,
    rows: none,
    transaction: none,
    close: async () => undefined,
  };
  const { database: timed, delay } = answerDelay(database, () => now);
  const ask = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++)
      await timed.call({ name: "any", text: "" }, []).catch(() => undefined);
  };
  expect(delay()).toBe(0);
  await ask(10);
  expect(delay()).toBe(0);
  takes = 9;
  await ask(20);
  expect(delay()).toBeGreaterThan(7);
  expect(delay()).toBeLessThan(8);
  now += 1001;
  expect(delay()).toBe(0);
  takes = 1;
  await ask(1);
  expect(delay()).toBeLessThan(0.2);
});
