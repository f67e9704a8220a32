export * from "./certificate.ts";
export * from "./closers.ts";
export * from "./create-fs.ts";
export * from "./file-system.ts";
export * from "./mount-spec.ts";
export * from "./open-engine.ts";
export * from "./platform-key.ts";
export * from "./secret-file.ts";
