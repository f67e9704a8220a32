export * from "./lazy.ts";
export * from "./read-only.ts";
export * from "./residency.ts";
