const segmentMatches = (pattern: string, name: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replace(/\*/g, ".*")
      .replace(/\?/g, ".")}$`,
    "su",
  ).test(name);

const matches = (pattern: readonly string[], path: readonly string[]): boolean => {
  const [first, ...rest] = pattern;
  if (first === undefined) return path.length === 0;
  // A `**` at the end is at least one name, elsewhere any number of them.
  if (first === "**")
    return rest.length === 0 ? path.length > 0 : path.some((_, i) => matches(rest, path.slice(i)));
  const [name, ...more] = path;
  return name !== undefined && segmentMatches(first, name) && matches(rest, more);
};

/** True if names match a pattern of `*`, `?` and `**`. */
export const globMatches = (pattern: string, path: readonly string[]): boolean =>
  matches(pattern.split("/"), path);
