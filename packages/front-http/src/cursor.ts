import { createHmac, timingSafeEqual } from "node:crypto";
import type { Context } from "@bulkhead/contract";
import { malformed } from "./fault.ts";

/** Turns a position in a list into a token for the one who asked, for the same list alone; and back. */
export interface Cursors {
  readonly seal: (ctx: Context, list: string, position: string) => string;
  /** Throws `invalid-request` for a token that this server did not give for this list. */
  readonly open: (ctx: Context, list: string, token: string) => string;
}

const macBytes = 16;

/** Makes cursors of HMAC-SHA256, cut to 128 bits. The first key signs, all verify. */
export const cursorsWith = (keys: readonly Uint8Array[]): Cursors => {
  const [first] = keys;
  if (first === undefined || keys.some((key) => key.length < 16))
    throw new RangeError("Cursors are signed with keys of at least 16 bytes.");
  const mac = (key: Uint8Array, ctx: Context, list: string, payload: string): Buffer => {
    const { tenant, keyId, subject, reach } = ctx.principal;
    const bound = JSON.stringify([
      "bulkhead-cursor-2",
      tenant?.uid ?? null,
      keyId,
      subject.type,
      subject.id,
      reach.home,
      list,
      payload,
    ]);
    return createHmac("sha256", key).update(bound).digest().subarray(0, macBytes);
  };
  return {
    seal: (ctx, list, position) => {
      const payload = Buffer.from(position).toString("base64url");
      return `${payload}.${mac(first, ctx, list, payload).toString("base64url")}`;
    },
    open: (ctx, list, token) => {
      const match = /^([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]{22})$/.exec(token);
      const [, payload = "", signature = ""] = match ?? [];
      const given = Buffer.from(signature, "base64url");
      const genuine =
        match !== null &&
        given.toString("base64url") === signature &&
        keys.some((key) => timingSafeEqual(mac(key, ctx, list, payload), given));
      if (!genuine)
        throw malformed("'after' is what an earlier answer to the same request gave as 'next'.");
      return Buffer.from(payload, "base64url").toString();
    },
  };
};
