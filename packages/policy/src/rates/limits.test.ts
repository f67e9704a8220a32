import { throttled } from "@bulkhead/kit";
import { describe, expect, it, vi } from "vitest";
import { admission } from "../admission.ts";
import { pressure } from "../pressure.ts";
import { addressBlock } from "./address-block.ts";
import { failedAttempts } from "./failed-attempts.ts";
import { throttles } from "./throttles.ts";

const calm = { nextTurn: () => undefined };
const limited = { code: "rate-limited" };

describe("who fails to say who it is", () => {
  it("is refused for a minute, but not who was good before", () => {
    let now = 0;
    const attempts = failedAttempts({ perMinute: 3, clock: () => now });
    attempts.good("known");
    for (let i = 0; i < 3; i++) {
      attempts.check("192.0.2.1", "guess");
      attempts.failed("192.0.2.1");
    }
    expect(() => attempts.check("192.0.2.1", "another")).toThrow(expect.objectContaining(limited));
    expect(() => attempts.check("192.0.2.1", undefined)).toThrow(expect.objectContaining(limited));
    attempts.check("192.0.2.1", "known");
    attempts.check("192.0.2.2", "another");
    now = 59_999;
    expect(() => attempts.check("192.0.2.1", "another")).toThrow(
      expect.objectContaining({ fields: expect.objectContaining({ retryAfter: 1 }) }),
    );
    now = 60_000;
    attempts.check("192.0.2.1", "another");
  });

  it("is remembered for so many addresses and keys only", () => {
    const attempts = failedAttempts({ perMinute: 1, most: 2, clock: () => 0 });
    for (const address of ["a", "b", "c"]) attempts.failed(address);
    attempts.check("a", undefined);
    expect(() => attempts.check("c", undefined)).toThrow();
    for (const key of ["1", "2", "3"]) attempts.good(key);
    expect(() => attempts.check("c", "1")).toThrow();
    attempts.check("c", "3");
  });

  it("is its network of 64 bits in IPv6, however it is spelled", () => {
    const one = [
      "2001:db8:0:7::1",
      "2001:DB8::7:ffff:ffff:ffff:ffff",
      "2001:0db8:0:0007:1:2:3:4%eth0",
    ];
    expect(new Set(one.map(addressBlock))).toEqual(new Set(["2001:db8:0:7::/64"]));
    expect(addressBlock("2001:db8:0:8::1")).toBe("2001:db8:0:8::/64");
    expect(addressBlock("::1")).toBe("0:0:0:0::/64");
    expect(addressBlock("64:ff9b::192.0.2.1")).toBe("64:ff9b:0:0::/64");
    expect(addressBlock("192.0.2.1")).toBe("192.0.2.1");
  });
});

describe("bytes a second", () => {
  it("slow all streams of a tenant down together, in turn, and leave nothing behind who goes", async () => {
    let now = 0;
    let due = 0;
    const of = throttles({
      reserve: async (_tenant, bytes, perSecond) => {
        const wait = Math.max(0, due - now);
        due = now + wait + (bytes / perSecond) * 1000;
        return wait;
      },
      clock: () => now,
      pause: async (ms) => {
        now += ms;
      },
    });
    const { signal } = new AbortController();
    const sent: string[] = [];
    const stream = async (name: string): Promise<void> => {
      async function* source(): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(2_000_000);
      }
      for await (const piece of throttled(source(), of("t", 1_000_000, signal)))
        if (piece.length > 0) sent.push(name);
    };
    await Promise.all([stream("a"), stream("b")]);
    // 4 MB at 1 MB a second; what is spoken for first passes at once.
    expect(now).toBeGreaterThanOrEqual(3500);
    expect(now).toBeLessThanOrEqual(4000);
    expect(sent.slice(0, 6).join("")).toBe("ababab");

    const gone = new AbortController();
    const left = of("t", 1_000_000, gone.signal).pass(100);
    gone.abort();
    await left.catch(() => undefined);
    const before = now;
    await of("t", 1_000_000, signal).pass(100);
    expect(now - before).toBeLessThan(300);
  });
});

describe("admission", () => {
  it("trades a request's place for a stream's, and gets every place back", async () => {
    const door = admission({ tenant: 2, streams: 1, queue: 1, waitMs: 5, pressure: calm });
    const { signal } = new AbortController();
    const one = await door.enter("t", signal);
    const two = await door.enter("t", signal);
    await Promise.all([one.stream(), one.stream()]);
    expect(door.count("t")).toEqual({ requests: 1, streams: 1, waiting: 0 });
    await expect(two.stream()).rejects.toMatchObject({
      code: "unavailable",
      fields: { retryAfter: 1 },
    });
    const three = await door.enter("t", signal);
    await expect(door.enter("t", signal)).rejects.toMatchObject({ code: "unavailable" });
    const other = await door.enter("u", signal);
    for (const place of [one, two, three, other]) {
      place.end();
      place.end();
    }
    for (const owner of ["t", "u"])
      expect(door.count(owner)).toEqual({ requests: 0, streams: 0, waiting: 0 });
  });
});

describe("a process under pressure", () => {
  /** A process whose turns take as long as told, one after each request. */
  const loaded = (turn: () => number, ledgerDelay = (): number => 0) => {
    let now = 0;
    let turns: (() => void)[] = [];
    const nextTurn = (run: () => void): void => void turns.push(run);
    const gauge = pressure({ clock: () => now, nextTurn, ledgerDelay });
    const pass = (): void => {
      while (turns.length > 0) {
        const due = turns;
        turns = [];
        now += turn();
        for (const run of due) run();
      }
    };
    const ask = (owner: string): void => {
      const over = gauge.arrived(owner);
      pass();
      over();
      pass();
    };
    return { gauge, ask, wait: (ms: number) => void (now += ms) };
  };

  it("gives each tenant less while several ask and turns are long, and more again when they are not", () => {
    let turn = 30;
    const { gauge, ask } = loaded(() => turn);
    for (let i = 0; i < 10; i++) ask(i % 2 === 0 ? "a" : "b");
    expect(gauge.share()).toBe(1);
    turn = 0.5;
    for (let i = 0; i < 2000; i++) ask(i % 2 === 0 ? "a" : "b");
    expect(gauge.share()).toBe(32);
  });

  it("takes a ledger that answers late as it takes long turns, and tries more only now and then", () => {
    let late = 8;
    const { gauge, ask } = loaded(
      () => 0.5,
      () => late,
    );
    for (let i = 0; i < 10; i++) ask(i % 2 === 0 ? "a" : "b");
    expect(gauge.share()).toBe(1);
    late = 0;
    // Each of these takes two milliseconds.
    for (let i = 0; i < 40; i++) ask(i % 2 === 0 ? "a" : "b");
    expect(gauge.share()).toBe(1);
    for (let i = 0; i < 20; i++) ask(i % 2 === 0 ? "a" : "b");
    expect(gauge.share()).toBe(2);
  });

  it("lets who is down to one and has many waiting rest as long as it worked", () => {
    let turn = 30;
    const { gauge, ask, wait } = loaded(() => turn);
    for (let i = 0; i < 10; i++) ask("a");
    expect([gauge.share(), gauge.rest(8, 64)]).toEqual([1, 0]);
    for (let i = 0; i < 10; i++) ask(i % 2 === 0 ? "a" : "b");
    expect([gauge.rest(8, 64), gauge.rest(8, 8), gauge.rest(8, 0)]).toEqual([8, 2, 0]);
    expect(gauge.rest(500, 64)).toBe(20);
    wait(2000);
    expect(gauge.rest(8, 64)).toBe(0);
    turn = 0.5;
    for (let i = 0; i < 2000; i++) ask(i % 2 === 0 ? "a" : "b");
    expect(gauge.rest(8, 64)).toBe(0);
  });

  it("gives the place of who rests to nobody until then", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      let turn = (): void => undefined;
      let now = 0;
      const nextTurn = (run: () => void): void => {
        turn = () => {
          now += 50;
          run();
        };
      };
      const door = admission({ pressure: { clock: () => now, nextTurn } });
      const { signal } = new AbortController();
      for (const owner of ["t", "u", "t", "u", "t", "u"]) {
        (await door.enter(owner, signal)).end();
        turn();
        turn();
      }
      const first = await door.enter("t", signal);
      const waiting = Array.from({ length: 40 }, () => door.enter("t", signal));
      await vi.advanceTimersByTimeAsync(10);
      first.end();
      await vi.advanceTimersByTimeAsync(9);
      expect(door.count("t")).toMatchObject({ requests: 1, waiting: 40 });
      await vi.advanceTimersByTimeAsync(1);
      expect(door.count("t").waiting).toBe(39);
      // Who has nobody waiting goes on at once.
      (await door.enter("u", signal)).end();
      expect(door.count("u").requests).toBe(0);
      for (const place of waiting) {
        void place.then(({ end }) => end());
        await vi.advanceTimersByTimeAsync(20);
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it("lets one that is alone use longer turns", () => {
    const { gauge, ask, wait } = loaded(() => 9);
    for (let i = 0; i < 200; i++) ask("a");
    expect(gauge.share()).toBe(32);
    ask("b");
    ask("a");
    expect(gauge.share()).toBeLessThan(16);
    for (let i = 0; i < 20; i++) ask("a");
    expect(gauge.share()).toBe(1);
    wait(2000);
    for (let i = 0; i < 200; i++) ask("a");
    expect(gauge.share()).toBe(32);
  });

  it("does not keep a tenant's requests waiting for one of its own that hangs", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      let turn = (): void => undefined;
      let now = 0;
      const nextTurn = (run: () => void): void => {
        turn = () => {
          now += 50;
          run();
        };
      };
      const door = admission({ pressure: { clock: () => now, nextTurn } });
      const { signal } = new AbortController();
      const hung = await door.enter("t", signal);
      for (let i = 0; i < 12; i++) turn();
      for (let i = 0; i < 6; i++) {
        (await door.enter("u", signal)).end();
        turn();
        turn();
      }
      let came = false;
      const next = door.enter("t", signal).then((place) => {
        came = true;
        return place;
      });
      await vi.advanceTimersByTimeAsync(1999);
      expect([came, door.count("t").waiting]).toEqual([false, 1]);
      await vi.advanceTimersByTimeAsync(1);
      expect(came).toBe(true);
      for (const place of [hung, await next]) place.end();
      expect(door.count("t")).toEqual({ requests: 0, streams: 0, waiting: 0 });
    } finally {
      vi.useRealTimers();
    }
  });
});
