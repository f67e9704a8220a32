import { memory } from "@bulkhead/backend-memory";
import { type Backend, parseBackendPath } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import type { Leases } from "@bulkhead/ledger";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { held, HeldElsewhere } from "./held.ts";
import { thisProcess } from "./process-holder.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** Until who asks is known, and has asked. */
const asked = async (): Promise<void> => {
  await thisProcess();
  await vi.advanceTimersByTimeAsync(0);
};

/** One lease by the clock of this process. */
const oneLease = () => {
  let until = -Infinity;
  let fencing = 0;
  let reachable = true;
  const holds = (n: number): boolean => n === fencing && until > performance.now();
  const leases: Leases = {
    acquire: async (_name, _holder, ttlMs) => {
      if (until > performance.now()) return undefined;
      until = performance.now() + ttlMs;
      return { fencing: (fencing += 1) };
    },
    renew: async (_name, n, ttlMs) => {
      if (!reachable) throw new Error("unreachable");
      if (!holds(n)) return false;
      until = performance.now() + ttlMs;
      return true;
    },
    release: async (_name, n) => {
      if (n === fencing) until = -Infinity;
    },
  };
  return {
    leases,
    held: () => until > performance.now(),
    reach: (is: boolean) => (reachable = is),
  };
};

/** Opens after so long. */
const slow = (ms: number, closed: () => void) => async (): Promise<Backend> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return { ...memory(), close: async () => closed() };
};

describe("a storage that is held", () => {
  it("keeps its lease however long the opening takes", async () => {
    const { leases, held: isHeld } = oneLease();
    const opening = held(
      leases,
      "m",
      () => undefined,
      slow(60_000, () => undefined),
    );
    await asked();
    for (let i = 0; i < 60; i++) {
      expect(isHeld()).toBe(true);
      await expect(
        held(
          leases,
          "m",
          () => undefined,
          slow(0, () => undefined),
        ),
      ).rejects.toThrow(HeldElsewhere);
      await vi.advanceTimersByTimeAsync(1000);
    }
    const backend = await opening;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(isHeld()).toBe(true);
    await backend.close();
    expect(isHeld()).toBe(false);
  });

  it("is not served if the lease was lost while it opened", async () => {
    const { leases, reach } = oneLease();
    let lost = 0;
    let closed = 0;
    const opening = held(
      leases,
      "m",
      () => (lost += 1),
      slow(30_000, () => (closed += 1)),
    );
    const refused = opening.catch((error: unknown) => error);
    await asked();
    reach(false);
    await vi.advanceTimersByTimeAsync(31_000);
    expect(await refused).toMatchObject({ code: "unavailable" });
    expect([lost, closed]).toEqual([1, 1]);
  });

  it("refuses every call from the moment that somebody else holds it", async () => {
    const { leases } = oneLease();
    const opening = held(
      { ...leases, renew: () => Promise.resolve(false) },
      "m",
      () => undefined,
      slow(0, () => undefined),
    );
    await asked();
    await vi.advanceTimersByTimeAsync(1);
    const backend = await opening;
    const look = () => backend.stat(plainContext(), parseBackendPath(""));
    expect((await look()).kind).toBe("directory");
    await vi.advanceTimersByTimeAsync(3000);
    await expect(look()).rejects.toMatchObject({ code: "unavailable" });
  });

  it("lets go if it cannot be opened", async () => {
    const { leases, held: isHeld } = oneLease();
    const failing = held(
      leases,
      "m",
      () => undefined,
      () => Promise.reject(new Error("no disk")),
    );
    await expect(failing).rejects.toThrow("no disk");
    expect(isHeld()).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(isHeld()).toBe(false);
  });
});
