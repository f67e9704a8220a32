import { z } from "zod";

const dayMs = 86_400_000;
const twoDigits = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, "0"));

/** Writes times as `Date` does. Many of one list are of one day, which is written once. */
const timeWriter = (): ((ms: number) => string) => {
  let day = Number.NaN;
  let date = "";
  return (ms) => {
    const whole = Math.trunc(ms);
    const today = Math.floor(whole / dayMs);
    if (today !== day) {
      date = new Date(today * dayMs).toISOString().slice(0, -"00:00:00.000Z".length);
      day = today;
    }
    const rest = whole - today * dayMs;
    const seconds = Math.floor(rest / 1000);
    const minutes = Math.floor(seconds / 60);
    const thousandths = 1000 + (rest % 1000);
    return `${date}${twoDigits[Math.floor(minutes / 60)]}:${twoDigits[minutes % 60]}:${twoDigits[seconds % 60]}.${String(thousandths).slice(1)}Z`;
  };
};

/** Writes milliseconds since the epoch as RFC 3339 in UTC, with milliseconds. Throws `RangeError` for what is no time. */
export const timeOf: (ms: number) => string = timeWriter();

/** As `timeOf`; null stays null. */
export const timeOrNull = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : timeOf(ms);

/** Reads an RFC 3339 time as milliseconds since the epoch. The schema has checked its form. */
export const millisOf = (time: string): number => Date.parse(time);

/** A point in time as RFC 3339 writes it, with an offset or `Z`. */
export const timestamp: z.ZodType<string> = z.iso.datetime({ offset: true });
