import { z } from "zod";
import { type LogLevel, logLevels } from "./create-log.ts";

export interface LogConfig {
  readonly level: LogLevel;
  readonly requests: "failed" | "all";
}

export interface TracesConfig {
  readonly endpoint: string;
  readonly sampleRatio: number;
  readonly serviceName: string;
}

/** `log` in `bulkhead.yaml`. */
export const log: z.ZodType<LogConfig> = z
  .strictObject({
    level: z.enum(logLevels).default("info").describe("What is less than that is not logged."),
    requests: z
      .enum(["failed", "all"])
      .default("failed")
      .describe("Which requests have a line: those that the server failed, or every one."),
  })
  .prefault({})
  .describe("Lines of JSON on stderr, without paths of files, keys or contents.");

/** `traces` in `bulkhead.yaml`. */
export const traces: z.ZodType<TracesConfig | undefined> = z
  .strictObject({
    endpoint: z
      .string()
      .regex(/^https?:\/\//, "is an http or https URL")
      .describe("Where spans go: OTLP over HTTP, as http://localhost:4318/v1/traces."),
    sampleRatio: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe("How many of the traces that begin here are recorded, 0 to 1."),
    serviceName: z.string().min(1).default("bulkhead").describe("The name of this service."),
  })
  .optional()
  .describe("OpenTelemetry traces, a span for each request; without it there are none.");
