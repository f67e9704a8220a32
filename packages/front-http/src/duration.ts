import { parse } from "tinyduration";
import { malformed } from "./fault.ts";

const units = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
} as const;

/** Reads an ISO 8601 duration of fixed length in milliseconds. Months and years, which have none, are `invalid-request`. */
export const durationMs = (name: string, value: string): number => {
  const wrong = (): never => {
    throw malformed(
      `The parameter '${name}' is a duration of ISO 8601 in weeks, days, hours, minutes and seconds.`,
    );
  };
  const duration = ((): ReturnType<typeof parse> => {
    try {
      return parse(value);
    } catch {
      return wrong();
    }
  })();
  if (duration.negative === true || duration.years !== undefined || duration.months !== undefined)
    return wrong();
  let ms = 0;
  for (const unit of ["weeks", "days", "hours", "minutes", "seconds"] as const) {
    const count = duration[unit] ?? 0;
    // Some write a sign before each number, ISO 8601 before none.
    if (count < 0) return wrong();
    ms += count * units[unit];
  }
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : wrong();
};
