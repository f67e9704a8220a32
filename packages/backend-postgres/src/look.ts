import {
  type Backend,
  FileError,
  type ListOptions,
  segmentsOf,
  type Stat,
} from "@bulkhead/contract";
import { checkSignal, pageLimit, sortKey } from "@bulkhead/kit";
import { statOf } from "./entry.ts";
import type { Volume } from "./volume.ts";

/** `Backend.stat`. */
export const stat =
  ({ database }: Volume): Backend["stat"] =>
  async (ctx, path) => {
    checkSignal(ctx.signal);
    return statOf(await database.json("open", [segmentsOf(path), false], ctx.signal));
  };

/** `after` as a text that PostgreSQL can hold. No name has a control character, so nothing lies between it and its part before a NUL. */
const comparable = (after: string): string => (after.split("\u0000", 1)[0] ?? "").toWellFormed();

const limitOf = ({ limit = pageLimit }: ListOptions): number => {
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
    throw new FileError("invalid-request", `A page holds 1 to ${pageLimit} entries.`);
  return limit;
};

/** `Backend.list`: a range of the index, one entry more than asked for to know whether more follow. */
export const list =
  ({ database }: Volume): Backend["list"] =>
  async (ctx, path, options = {}) => {
    checkSignal(ctx.signal);
    const limit = limitOf(options);
    const values = [segmentsOf(path), comparable(options.after ?? ""), limit + 1];
    const found = await database.json("list", values, ctx.signal);
    const entries: readonly Stat[] = Array.isArray(found) ? found.slice(0, limit).map(statOf) : [];
    const last = entries.at(-1);
    return Array.isArray(found) && found.length > limit && last !== undefined
      ? { entries, next: sortKey(last) }
      : { entries };
  };
