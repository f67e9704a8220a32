const isSystem = (error: Error): error is Error & { code: string; syscall: string } =>
  "code" in error &&
  typeof error.code === "string" &&
  "syscall" in error &&
  typeof error.syscall === "string";

const sentence = (error: Error): string => {
  // Node's own sentence ends with the path that was asked for, a parser's begins with what it was given.
  if (isSystem(error)) return `${error.code}: ${error.syscall}`;
  return error instanceof SyntaxError || error.message === "" ? error.name : error.message;
};

/**
 * What was thrown and what caused it, outermost first, for a log: errors of the operating system by code and call
 * (`ENOSPC: write`), so that no line holds the path of a tenant's file, and none what a file says.
 */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause === undefined ? sentence(error) : `${sentence(error)} <- ${reasonOf(cause)}`;
};
