export * from "./config-schema.ts";
export * from "./load-config.ts";
export * from "./serve.ts";
export * from "./version.ts";
