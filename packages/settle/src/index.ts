export * from "./afterwork.ts";
export * from "./counting.ts";
export * from "./ports.ts";
export * from "./recount.ts";
export * from "./settle.ts";
export * from "./sweep.ts";
