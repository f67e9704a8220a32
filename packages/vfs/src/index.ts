export * from "./mount-table.ts";
export * from "./mount.ts";
export * from "./resolve-share.ts";
export * from "./scope.ts";
export * from "./scoped.ts";
export * from "./transfer-directory.ts";
export * from "./tree-options.ts";
export * from "./tree.ts";
