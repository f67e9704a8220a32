export * from "./body.ts";
export * from "./guard.ts";
export * from "./order.ts";
export * from "./override.ts";
export * from "./page.ts";
export * from "./range.ts";
export * from "./stack.ts";
export * from "./tap.ts";
