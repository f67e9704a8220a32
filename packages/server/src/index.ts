export * from "./backup-server.ts";
export * from "./check-config.ts";
export * from "./config-error.ts";
export * from "./config-schema.ts";
export { loadConfig, type Overrides } from "./load-config.ts";
export { rotateMaster, type RotateMasterOptions, type RotatedMaster } from "./rotate-master.ts";
export * from "./serve.ts";
export * from "./shown-config.ts";
export * from "./version.ts";
