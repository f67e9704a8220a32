export * from "./afterwork.ts";
export * from "./ports.ts";
export * from "./settle.ts";
export * from "./sweep.ts";
