export * from "./backup-server.ts";
export * from "./config-schema.ts";
export * from "./load-config.ts";
export { rotateMaster, type RotateMasterOptions, type RotatedMaster } from "./rotate-master.ts";
export * from "./serve.ts";
export * from "./version.ts";
