import type { HttpLogEntry } from "@bulkhead/front-http";

/** What a line of the log says of any request. Of a trace that its caller named it keeps the id. */
export const answeredRequest = ({
  requestId,
  method,
  route,
  status,
  ms,
  trace,
}: HttpLogEntry): Readonly<Record<string, unknown>> => ({
  requestId,
  method,
  route,
  status,
  ms: Math.round(ms),
  ...(trace?.traceparent !== undefined && { traceId: trace.traceparent.split("-")[1] }),
});
