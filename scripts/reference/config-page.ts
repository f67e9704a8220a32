import { configJsonSchema } from "@bulkhead/server";
import { code, generated, table } from "./markdown.ts";

/** As much of JSON Schema as the configuration uses. */
interface Schema {
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  readonly default?: unknown;
  readonly enum?: readonly string[] | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: Schema | undefined;
  readonly additionalProperties?: Schema | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  isObject(value) ? Object.entries(value) : [];

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;
const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" ? value : undefined;
const texts = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : undefined;

const schemaOf = (value: unknown): Schema => {
  const members = Object.fromEntries(entriesOf(value));
  const { properties, items, additionalProperties, anyOf } = members;
  return {
    type: textOf(members["type"]),
    description: textOf(members["description"]),
    default: members["default"],
    enum: texts(members["enum"]),
    minimum: numberOf(members["minimum"]),
    maximum: numberOf(members["maximum"]),
    properties: isObject(properties)
      ? Object.fromEntries(entriesOf(properties).map(([name, one]) => [name, schemaOf(one)]))
      : undefined,
    required: texts(members["required"]),
    items: isObject(items) ? schemaOf(items) : undefined,
    additionalProperties: isObject(additionalProperties)
      ? schemaOf(additionalProperties)
      : undefined,
    anyOf: Array.isArray(anyOf) ? anyOf.map(schemaOf) : undefined,
  };
};

/** The JSON Schema as a file, for editors. */
export const configSchemaFile = (): string => `${JSON.stringify(configJsonSchema(), null, 2)}\n`;

const typeOf = (value: Schema): string => {
  if (value.enum !== undefined) return value.enum.map(code).join(" or ");
  if (value.anyOf !== undefined) return value.anyOf.map(typeOf).join(" or ");
  if (value.type === "array") return `list of ${typeOf(value.items ?? {})}`;
  if (value.type === "object")
    return value.properties === undefined
      ? "mapping"
      : `{ ${Object.keys(value.properties).map(code).join(", ")} }`;
  const { minimum, maximum } = value;
  const most = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const least = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const bounds =
    most === undefined
      ? least === undefined
        ? ""
        : `, at least ${least}`
      : `, ${least ?? ""} to ${most}`;
  return `${value.type ?? "anything"}${bounds}`;
};

const rowsOf = (value: Schema): readonly (readonly string[])[] =>
  Object.entries(value.properties ?? {})
    .filter(([name]) => name !== "$schema")
    .map(([name, property]) => [
      code(name),
      typeOf(property),
      value.required?.includes(name) === true
        ? "needed"
        : property.default === undefined
          ? ""
          : code(property.default),
      property.description ?? "",
    ]);

const titles = ["key", "value", "default", "meaning"];

const partsOf = (value: Schema): readonly (readonly [string, Schema])[] =>
  Object.entries(value.properties ?? {}).flatMap(([name, property]) => {
    const { items, additionalProperties } = property;
    if (items?.properties !== undefined) return [[`${name}[]`, items] as const];
    if (additionalProperties !== undefined)
      return [[`${name}.<name>`, additionalProperties] as const];
    return property.properties === undefined ? [] : [[name, property] as const];
  });

/** Renders `docs/reference/config.md`. */
export const configPage = (): string => {
  const whole = schemaOf(configJsonSchema());
  const sections = partsOf(whole).flatMap(([name, part]) => [
    `## ${code(name)}`,
    "",
    table(titles, rowsOf(part)),
    "",
    ...partsOf(part).flatMap(([inner, value]) => [
      `### ${code(`${name}.${inner}`)}`,
      "",
      table(titles, rowsOf(value)),
      "",
    ]),
  ]);
  return [
    "# Configuration",
    "",
    generated,
    "",
    "`bulkhead serve --config <file>` reads YAML (JSON is YAML). Keys that are not named here are errors. `${VAR}` takes an",
    "environment variable and fails where it is not set; `${VAR:-default}` stands in for one that is unset or empty. Folders in",
    "the file are relative to the file. Flags and their variables win over the file. The same as a JSON Schema:",
    "[bulkhead.schema.json](bulkhead.schema.json). How to use it: [mounts](../guide/mounts.md).",
    "",
    table(titles, rowsOf(whole)),
    "",
    ...sections,
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
};
