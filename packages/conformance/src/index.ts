export * from "./assert.ts";
export * from "./bench.ts";
export * from "./bodies.ts";
export * from "./case.ts";
export * from "./conformance.ts";
export * from "./gate.ts";
export * from "./runner.ts";
export * from "./topics.ts";
