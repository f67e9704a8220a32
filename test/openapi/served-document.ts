import { Ajv2020 } from "ajv/dist/2020.js";
import { z } from "zod";
import type { Answer } from "../support/api.ts";

const parameter = z.object({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  required: z.boolean().optional(),
  schema: z.record(z.string(), z.unknown()),
  example: z.unknown().optional(),
});
const ref = z.object({ $ref: z.string() });
const content = z.record(
  z.string(),
  z.object({ schema: z.record(z.string(), z.unknown()), example: z.unknown().optional() }),
);
const operation = z.object({
  operationId: z.string(),
  parameters: z.array(z.union([ref, parameter])),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.unknown()),
});
const document = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({
    schemas: z.record(z.string(), z.record(z.string(), z.unknown())),
    parameters: z.record(z.string(), parameter),
  }),
});

export type Parameter = z.output<typeof parameter>;

/** One operation of the document, its parameters resolved. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The schema of its JSON body, `bytes`, or undefined where it has none. */
  readonly body: Readonly<Record<string, unknown>> | "bytes" | undefined;
  readonly example: unknown;
}

/** The document as a server answers it. */
export interface ServedDocument {
  readonly operations: readonly Operation[];
  readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Names what an answer with JSON holds otherwise than the document's own JSON Schema says. */
  readonly faultsOf: (operation: string, answer: Answer) => readonly string[];
}

const escaped = (text: string): string => text.replaceAll("~", "~0").replaceAll("/", "~1");

/** Asks a server for its document. */
export const servedDocument = async (url: string): Promise<ServedDocument> => {
  const raw: unknown = await (await fetch(`${url}/openapi.json`)).json();
  const { paths, components } = document.parse(raw);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document.parse(raw), "document");
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, parameters, requestBody }]): Operation => {
      const json = requestBody?.content["application/json"];
      return {
        id: operationId,
        method: method.toUpperCase(),
        path,
        parameters: parameters.flatMap((given) =>
          "$ref" in given
            ? (components.parameters[given.$ref.slice("#/components/parameters/".length)] ?? [])
            : [given],
        ),
        body: json?.schema ?? (requestBody === undefined ? undefined : "bytes"),
        example: json?.example,
      };
    }),
  );
  const placeOf = new Map(operations.map(({ id, path, method }) => [id, { path, method }]));
  return {
    operations,
    schemas: components.schemas,
    faultsOf: (id, { status, json }) => {
      const place = placeOf.get(id);
      if (place === undefined || json === undefined) return [];
      const pointer = [
        "paths",
        place.path,
        place.method.toLowerCase(),
        "responses",
        String(status),
        "content",
        "application/json",
        "schema",
      ];
      const $ref = `document#/${pointer.map(escaped).join("/")}`;
      const validate = ajv.compile({ $ref });
      return validate(json)
        ? []
        : (validate.errors ?? []).map(
            ({ instancePath, message }) => `${id} ${instancePath}: ${message}`,
          );
    },
  };
};
