import { type ErrorCode, FileError } from "@bulkhead/contract";

/** What a case throws when a backend answers something else than it should. */
export class ConformanceError extends Error {
  override readonly name = "ConformanceError";
}

const show = (value: unknown): string => {
  const text = value instanceof Error ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 600 ? `${text.slice(0, 600)}… (${text.length} characters)` : text;
};

/** Ends the case. */
export const fail = (what: string): never => {
  throw new ConformanceError(what);
};

export const ok: (value: unknown, what: string) => asserts value = (value, what) => {
  if (!value) fail(what);
};

/** Orders the keys of plain objects, so that equal values have equal texts. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (value instanceof Uint8Array) return { bytes: Array.from(value) };
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner)]),
  );
};

/** Compares by value; a property that is undefined counts as absent. */
export const same = (actual: unknown, expected: unknown, what: string): void => {
  if (JSON.stringify(canonical(actual)) !== JSON.stringify(canonical(expected)))
    fail(`${what}: got ${show(actual)}, expected ${show(expected)}`);
};

/** Compares contents without printing them whole. */
export const sameBytes = (actual: Uint8Array, expected: Uint8Array, what: string): void => {
  if (actual.length !== expected.length)
    fail(`${what}: got ${actual.length} bytes, expected ${expected.length}`);
  for (let i = 0; i < actual.length; i++)
    if (actual[i] !== expected[i])
      fail(`${what}: byte ${i} is ${actual[i]}, expected ${expected[i]}`);
};

/** Expects a `FileError` of that code, and returns it. */
export const refuses = async (
  attempt: Promise<unknown>,
  code: ErrorCode,
  what: string,
): Promise<FileError> => {
  let answer: unknown;
  try {
    answer = await attempt;
  } catch (error) {
    if (error instanceof FileError && error.code === code) return error;
    const got = error instanceof FileError ? error.code : String(error);
    throw new ConformanceError(`${what}: rejected with ${got}, expected ${code}`, { cause: error });
  }
  return fail(`${what}: answered ${show(answer)}, expected ${code}`);
};

/** Expects exactly that error object, passed through as it is. */
export const rethrows = async (
  attempt: Promise<unknown>,
  expected: unknown,
  what: string,
): Promise<void> => {
  try {
    await attempt;
  } catch (error) {
    if (error !== expected)
      throw new ConformanceError(
        `${what}: rejected with ${show(error)}, expected the error it was given`,
        { cause: error },
      );
    return;
  }
  fail(`${what}: succeeded, expected the error it was given`);
};
