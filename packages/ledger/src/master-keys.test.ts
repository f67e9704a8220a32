import { testDatabase } from "@bulkhead/harness";
import { expect, test } from "vitest";
import { migrate } from "./migrate.ts";
import { openLedger } from "./open-ledger.ts";

test("Two master keys are good while one is replaced, each step once, and no third", async () => {
  const database = await testDatabase({ migrate });
  const { url } = database;
  const opens = async (own: string, ...others: string[]): Promise<boolean> =>
    openLedger({ url, masterKeyFingerprint: own, otherFingerprints: others }).then(
      async (ledger) => {
        await ledger.close();
        return true;
      },
      () => false,
    );
  const ledger = await openLedger({ url, masterKeyFingerprint: "a" });
  try {
    const { masterKeys } = ledger;
    expect(await masterKeys.state()).toEqual({
      current: "a",
      next: undefined,
      previous: undefined,
    });
    expect(await opens("b", "a")).toBe(false);
    await masterKeys.announce("a", "b");
    await masterKeys.announce("a", "b");
    await expect(masterKeys.announce("a", "c")).rejects.toMatchObject({ code: "conflict" });
    expect(await opens("a")).toBe(true);
    expect(await opens("b", "a")).toBe(true);
    expect(await opens("b")).toBe(false);
    await expect(masterKeys.promote("a", "c")).rejects.toMatchObject({ code: "conflict" });
    await masterKeys.promote("a", "b");
    await masterKeys.promote("a", "b");
    expect(await masterKeys.state()).toEqual({ current: "b", next: undefined, previous: "a" });
    expect(await opens("a")).toBe(false);
    expect(await opens("a", "b")).toBe(true);
    expect(await opens("b")).toBe(true);
    await expect(masterKeys.announce("b", "c")).rejects.toMatchObject({ code: "conflict" });
    await masterKeys.retire("b", "a");
    await masterKeys.retire("b", "a");
    expect(await opens("a", "b")).toBe(false);
    expect(await opens("b")).toBe(true);
    const { items } = await ledger.auditLog.list(undefined, {});
    expect(items.map(({ action }) => action).filter((action) => action.includes("key"))).toEqual(
      expect.arrayContaining(["master-key.announce", "master-key.promote", "master-key.retire"]),
    );
    expect(items.filter(({ action }) => action === "master-key.promote")).toHaveLength(1);
  } finally {
    await ledger.close();
    await database.close();
  }
});
