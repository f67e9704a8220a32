import { expect, it } from "vitest";
import { sealer } from "./seal.ts";

const [old, next] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const place = { tenantUid: "t1", name: "database-password" };

it("opens what it sealed, whatever is in it, and never seals one text alike twice", () => {
  const { seal, open } = sealer([old]);
  for (const text of ["", "secret", "é😀\u0000", "x".repeat(10_000)]) {
    const [a, b] = [seal(place, text), seal(place, text)];
    expect(open(place, a)).toBe(text);
    expect(Buffer.compare(a.sealed, b.sealed)).not.toBe(0);
    if (text.length > 3) expect(Buffer.from(a.sealed).includes(text)).toBe(false);
  }
});

it("opens under two keys while it seals under the newer one, and refuses any other", () => {
  const before = sealer([old]).seal(place, "secret");
  const both = sealer([next, old]);
  expect(both.open(place, before)).toBe("secret");
  const after = both.seal(place, both.open(place, before));
  expect(after.keyId).toBe(both.keyId);
  expect(after.keyId).not.toBe(before.keyId);
  expect(sealer([next]).open(place, after)).toBe("secret");
  expect(() => sealer([next]).open(place, before)).toThrow(/cannot be opened/);
  expect(() => sealer([next]).open(place, { ...before, keyId: after.keyId })).toThrow(
    /cannot be opened/,
  );
});

it("refuses a secret of another tenant or name, and one that was changed or cut", () => {
  const { seal, open } = sealer([old]);
  const sealed = seal(place, "secret");
  expect(() => open({ ...place, tenantUid: "t2" }, sealed)).toThrow(/cannot be opened/);
  expect(() => open({ ...place, tenantUid: undefined }, sealed)).toThrow(/cannot be opened/);
  expect(() => open({ ...place, name: "other" }, sealed)).toThrow(/cannot be opened/);
  for (let at = 0; at < sealed.sealed.length; at++) {
    const changed = Uint8Array.from(sealed.sealed, (byte, i) => (i === at ? byte ^ 1 : byte));
    expect(() => open(place, { ...sealed, sealed: changed })).toThrow(/cannot be opened/);
    const cut = { ...sealed, sealed: sealed.sealed.slice(0, at) };
    expect(() => open(place, cut)).toThrow(/cannot be opened/);
  }
});
