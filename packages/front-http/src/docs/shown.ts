import { z } from "zod";

/** What of a JSON Schema is shown. */
export interface ShownSchema {
  readonly [keyword: string]: unknown;
  readonly $ref?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly properties?: Readonly<Record<string, ShownSchema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly additionalProperties?: boolean | ShownSchema | undefined;
  readonly items?: ShownSchema | undefined;
  readonly anyOf?: readonly ShownSchema[] | undefined;
  readonly oneOf?: readonly ShownSchema[] | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly format?: string | undefined;
  readonly examples?: readonly unknown[] | undefined;
}

const schema: z.ZodType<ShownSchema> = z.lazy(() =>
  z.looseObject({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    properties: z.record(z.string(), schema).optional(),
    required: z.array(z.string()).optional(),
    additionalProperties: z.union([z.boolean(), schema]).optional(),
    items: schema.optional(),
    anyOf: z.array(schema).optional(),
    oneOf: z.array(schema).optional(),
    enum: z.array(z.unknown()).optional(),
    format: z.string().optional(),
    examples: z.array(z.unknown()).optional(),
  }),
);

/** A reference to something among the components. */
export interface ShownRef {
  readonly $ref: string;
}

export interface ShownParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean | undefined;
  readonly description: string;
  readonly schema: ShownSchema;
}

type Content = Readonly<
  Record<string, { readonly schema: ShownSchema; readonly example?: unknown }>
>;

export interface ShownResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, ShownRef>> | undefined;
  readonly content?: Content | undefined;
}

export interface ShownOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security?: readonly unknown[] | undefined;
  readonly parameters: readonly (ShownRef | ShownParameter)[];
  readonly requestBody?:
    | { readonly required?: boolean | undefined; readonly content: Content }
    | undefined;
  readonly responses: Readonly<Record<string, ShownRef | ShownResponse>>;
}

export interface ShownDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ShownOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, ShownSchema>>;
    readonly parameters: Readonly<Record<string, ShownParameter>>;
    readonly responses: Readonly<Record<string, ShownResponse>>;
  };
}

const ref: z.ZodType<ShownRef> = z.object({ $ref: z.string() });

const parameter: z.ZodType<ShownParameter> = z.object({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  required: z.boolean().optional(),
  description: z.string(),
  schema,
});

const content: z.ZodType<Content> = z.record(
  z.string(),
  z.object({ schema, example: z.unknown().optional() }),
);

const response: z.ZodType<ShownResponse> = z.object({
  description: z.string(),
  headers: z.record(z.string(), ref).optional(),
  content: content.optional(),
});

const operation: z.ZodType<ShownOperation> = z.object({
  operationId: z.string(),
  summary: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  security: z.array(z.unknown()).optional(),
  parameters: z.array(z.union([ref, parameter])),
  requestBody: z.object({ required: z.boolean().optional(), content }).optional(),
  responses: z.record(z.string(), z.union([ref, response])),
});

const document: z.ZodType<ShownDocument> = z.object({
  info: z.object({ title: z.string(), version: z.string(), description: z.string() }),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({
    schemas: z.record(z.string(), schema),
    parameters: z.record(z.string(), parameter),
    responses: z.record(z.string(), response),
  }),
});

/** Takes of an OpenAPI document what is shown of it. */
export const shownOf = (value: unknown): ShownDocument => document.parse(value);
