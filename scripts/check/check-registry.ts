/** Finds lines of a lock file that name the place a package came from: the next user's registry is another one. */
export const checkRegistry = (path: string, text: string): readonly string[] =>
  text
    .split("\n")
    .flatMap((line, index) =>
      /"resolved":\s*"(?:https?|git)/.test(line)
        ? [`${path}:${index + 1}: names the registry it came from`]
        : [],
    );
