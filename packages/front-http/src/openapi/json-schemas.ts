import { z } from "zod";
import { components } from "./components.ts";

/** A JSON Schema of 2020-12, as OpenAPI 3.1 has them. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Renders what zod describes. */
export interface JsonSchemas {
  /** What stands under `components/schemas`. */
  readonly components: Readonly<Record<string, JsonSchema>>;
  /** A schema where it is used: a reference where it has a name of its own. Only those that were asked for. */
  readonly of: (schema: z.ZodType) => JsonSchema;
}

const refTo = (name: string): string => `#/components/schemas/${name}`;

// What a request may leave out and what an answer may hold beside it is the same in both directions: input.
const io = "input";

const rendered = (schema: z.ZodType): Record<string, unknown> => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, override });
  return rest;
};

/** A format says what its pattern would, and the bounds of what JSON can count exactly say nothing of a field. */
const override = ({ jsonSchema }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void => {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
};

/** Renders all `schemas` at once, those with names as components. */
export const jsonSchemas = (schemas: Iterable<z.ZodType>): JsonSchemas => {
  const registry = z.registry<{ id: string }>();
  const names = new Map<z.ZodType, string>();
  for (const [name, { schema }] of Object.entries(components)) {
    registry.add(schema, { id: name });
    names.set(schema, name);
  }
  const inline = new Map<z.ZodType, string>();
  for (const schema of schemas) {
    if (names.has(schema) || inline.has(schema)) continue;
    const id = `inline-${inline.size}`;
    inline.set(schema, id);
    // One that stands alone is rendered alone: registered, it would be a reference wherever another holds it.
    if (schema instanceof z.ZodObject || schema instanceof z.ZodUnion) registry.add(schema, { id });
  }
  const all: Record<string, JsonSchema> = z.toJSONSchema(registry, {
    io,
    override,
    uri: refTo,
  }).schemas;
  const bare = (id: string): JsonSchema | undefined => {
    if (all[id] === undefined) return undefined;
    const { $schema: _, $id: __, ...rest } = all[id];
    return rest;
  };
  return {
    components: Object.fromEntries(
      Object.entries(components).map(([name, { example }]) => [
        name,
        { ...bare(name), ...(example !== undefined && { examples: [example] }) },
      ]),
    ),
    of: (schema) => {
      const name = names.get(schema);
      if (name !== undefined) return { $ref: refTo(name) };
      return bare(inline.get(schema) ?? "") ?? rendered(schema);
    },
  };
};
