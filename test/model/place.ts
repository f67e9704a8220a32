/** The names of an absolute path. */
export const names = (path: string): readonly string[] =>
  path.split("/").filter((name) => name !== "");

export const spell = (parts: readonly string[]): string => `/${parts.join("/")}`;

/** True if `path` is `base` or lies below it. */
export const isInside = (base: string, path: string): boolean => {
  const [outer, inner] = [names(base), names(path)];
  return outer.every((name, i) => inner[i] === name);
};

/** The tenant's root that `path` is, or lies below; undefined on the platform's ground. */
export const rootOf = (path: string): string | undefined => {
  const [namespace, tenant] = names(path);
  return (namespace === "workspace" || namespace === "tenants") && tenant !== undefined
    ? spell([namespace, tenant])
    : undefined;
};

export const isNamespace = (path: string): boolean => path === "/workspace" || path === "/tenants";
