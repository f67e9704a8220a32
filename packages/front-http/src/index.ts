export { httpFront, type HttpFront, type HttpFrontOptions } from "./front.ts";
export type { HttpLogEntry } from "./serve.ts";
export type { MetricsText } from "./call.ts";
