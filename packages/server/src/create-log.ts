import { pino } from "pino";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Writes lines of JSON: `level`, `time` (RFC 3339), `event`, and what belongs to it. Never a file's path, a key or content. */
export type Log = (
  level: Exclude<LogLevel, "silent">,
  event: string,
  detail: Readonly<Record<string, unknown>>,
) => void;

/** Makes a log that hands each line to `write`. What is below `level` is not made. */
export const createLog = (level: LogLevel, write: (line: string) => void): Log => {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => write(line.trimEnd()) },
  );
  return (at, event, detail) => log[at]({ event, ...detail });
};
