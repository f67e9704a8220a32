import { pacer } from "@bulkhead/kit";

/** How many items are rendered between two looks at the clock. */
const atOnce = 50;

const isLong = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) && value.length > atOnce;

const sliced = async (value: object, signal: AbortSignal): Promise<string> => {
  const pace = pacer(signal);
  const members: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    if (!isLong(member)) {
      const text: string | undefined = JSON.stringify(member);
      if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
      continue;
    }
    const items: string[] = [];
    for (let i = 0; i < member.length; i += atOnce) {
      await pace();
      items.push(JSON.stringify(member.slice(i, i + atOnce)).slice(1, -1));
    }
    members.push(`${JSON.stringify(name)}:[${items.join(",")}]`);
  }
  return `{${members.join(",")}}`;
};

/** Renders JSON as `JSON.stringify` does, letting others run each 2 ms where an object holds a long list. */
export const jsonText = (value: unknown, signal: AbortSignal): string | Promise<string> =>
  typeof value === "object" && value !== null && Object.values(value).some(isLong)
    ? sliced(value, signal)
    : JSON.stringify(value);
