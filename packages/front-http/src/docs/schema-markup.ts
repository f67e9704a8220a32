import { type Markup, markup } from "./markup.ts";
import type { ShownSchema } from "./shown.ts";

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);

/** What is counted, and the keywords of its least and its most. */
const bounds: readonly (readonly [least: string, most: string, unit: string])[] = [
  ["minimum", "maximum", ""],
  ["minLength", "maxLength", " characters"],
  ["minItems", "maxItems", " items"],
];

const numberOf = (value: unknown): string | undefined =>
  typeof value === "number" ? value.toLocaleString("en-US") : undefined;

const boundsOf = (schema: ShownSchema): string =>
  bounds
    .map(([from, to, unit]) => {
      const [least, most] = [numberOf(schema[from]), numberOf(schema[to])];
      if (least !== undefined && most !== undefined) return `, ${least} to ${most}${unit}`;
      if (least !== undefined) return `, at least ${least}${unit}`;
      return most === undefined ? "" : `, at most ${most}${unit}`;
    })
    .join("") +
  (typeof schema["exclusiveMinimum"] === "number"
    ? `, more than ${schema["exclusiveMinimum"]}`
    : "");

const joined = (parts: readonly Markup[], by: string): Markup =>
  markup`${parts.map((part, i) => (i === 0 ? part : markup` ${by} ${part}`))}`;

/** True for an object whose members are worth lines of their own. */
const hasMembers = ({ properties }: ShownSchema): boolean =>
  properties !== undefined && Object.keys(properties).length > 0;

/** Says in a line what a value is. */
export const typeOf = (schema: ShownSchema): Markup => {
  if (schema.$ref !== undefined) {
    const name = nameOf(schema.$ref);
    return markup`<a href="#schema-${name}">${name}</a>`;
  }
  if (schema["const"] !== undefined) return markup`<code>${JSON.stringify(schema["const"])}</code>`;
  if (schema.enum !== undefined)
    return joined(
      schema.enum.map((value) => markup`<code>${JSON.stringify(value)}</code>`),
      "or",
    );
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return joined(either.map(typeOf), "or");
  if (schema.items !== undefined) return markup`list of ${typeOf(schema.items)}${boundsOf(schema)}`;
  if (hasMembers(schema)) return markup`object`;
  if (typeof schema.additionalProperties === "object")
    return markup`object of ${typeOf(schema.additionalProperties)} by name`;
  const type = typeof schema.type === "string" ? schema.type : (schema.type ?? []).join(" or ");
  if (type === "") return markup`anything`;
  const format = schema.format === undefined ? "" : ` (${schema.format})`;
  return markup`${type}${format}${boundsOf(schema)}`;
};

/** The objects in a value whose members are not told in one line. */
const nested = (schema: ShownSchema): readonly ShownSchema[] =>
  schema.$ref !== undefined
    ? []
    : hasMembers(schema)
      ? [schema]
      : [
          schema.items,
          schema.additionalProperties,
          ...(schema.anyOf ?? []),
          ...(schema.oneOf ?? []),
        ]
          .filter((inner): inner is ShownSchema => typeof inner === "object")
          .flatMap(nested);

/** Lists the members of what is an object, however deep; nothing for what is none. */
export const membersOf = (schema: ShownSchema): Markup =>
  markup`${nested(schema).map(
    ({ properties = {}, required = [] }) =>
      markup`<dl class="members">${Object.entries(properties).map(
        ([name, member]) =>
          markup`<dt><code>${name}</code>${!required.includes(name) && markup` <small>optional</small>`}</dt><dd>${typeOf(member)}${membersOf(member)}</dd>`,
      )}</dl>`,
  )}`;
