import { z } from "zod";

/** Writes milliseconds since the epoch as RFC 3339 in UTC, with milliseconds. */
export const timeOf = (ms: number): string => new Date(ms).toISOString();

/** As `timeOf`; null stays null. */
export const timeOrNull = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : timeOf(ms);

/** Reads an RFC 3339 time as milliseconds since the epoch. The schema has checked its form. */
export const millisOf = (time: string): number => Date.parse(time);

/** A point in time as RFC 3339 writes it, with an offset or `Z`. */
export const timestamp: z.ZodType<string> = z.iso.datetime({ offset: true });
