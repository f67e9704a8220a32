export * from "./mount.ts";
export * from "./mount-table.ts";
export * from "./scope.ts";
export * from "./scoped.ts";
export * from "./tree.ts";
export * from "./transfer-directory.ts";
