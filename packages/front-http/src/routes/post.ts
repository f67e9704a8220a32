import { FileError } from "@bulkhead/contract";
import type { z } from "zod";
import type { Answer } from "../answer.ts";
import type { Call, Method, Route } from "../call.ts";
import type { Described } from "../describe.ts";
import { once, requestDigest } from "../idempotent.ts";
import { jsonBytes, parseJson } from "../json-body.ts";

/** A route that takes JSON. */
export interface JsonOptions<T> extends Omit<Described, "takes"> {
  readonly url: string;
  readonly schema: z.ZodType<T>;
  /** A body that the schema accepts, for the document. */
  readonly example: unknown;
  readonly run: (call: Call, input: T) => Promise<Answer>;
}

export interface PostOptions<T> extends JsonOptions<T> {
  /** Renders what was carried out while its answer was lost; `run` itself where it changes nothing. */
  readonly again: (call: Call, input: T) => Promise<Answer>;
}

/** Makes a route that takes JSON, checked before anything happens. */
export const taking = <T>(
  method: Method,
  { schema, example, run, ...described }: JsonOptions<T>,
): Route => ({
  ...described,
  method,
  takes: { json: schema, example },
  run: async (call) => run(call, parseJson(await jsonBytes(call.upload()), schema)),
});

/** Makes a POST that takes JSON, checked before anything happens, once for each `Idempotency-Key`. */
export const post = <T>({ schema, example, run, again, ...described }: PostOptions<T>): Route => {
  const { url } = described;
  const route = `POST ${url}`;
  const names = [...url.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  return {
    ...described,
    method: "POST",
    takes: { json: schema, example },
    run: async (call) => {
      const bytes = await jsonBytes(call.upload());
      const input = parseJson(bytes, schema);
      let made: string | undefined;
      const digest = (): string => {
        const params = names.map((name) => call.param(name));
        made ??= requestDigest(call, JSON.stringify([route, ...params]))
          .update(bytes)
          .digest("hex");
        return made;
      };
      return once(call, {
        route,
        // Only where the request has a key is it ever read.
        get digest() {
          return digest();
        },
        run: () => run(call, input),
        again: () => again(call, input),
        repeatable: run === again,
        digested: () => Promise.resolve(digest()),
      });
    },
  };
};

/** Refuses to render an answer whose secret nobody can know any more. */
export const secretLost = (): Promise<never> =>
  Promise.reject(
    new FileError(
      "conflict",
      "The key was minted, but its answer was lost with the secret. Find it under GET /v1/keys and revoke it.",
      {
        retry: "never",
      },
    ),
  );
