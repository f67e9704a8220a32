import { isDeepStrictEqual } from "node:util";
import type { Answer } from "./call.ts";
import type { Prediction } from "./model.ts";

/** The system is not what the model says. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";
}

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
};

/** Throws unless the system answered what the model did. What a front does not show is not compared. */
export const compare = (predicted: Prediction, seen: Answer): void => {
  const differs = (what: string, model: unknown, system: unknown): never => {
    throw new Mismatch(`${what}: the model says ${short(model)}, the system ${short(system)}.`);
  };
  if (predicted.code !== seen.code)
    differs("answer", predicted.code ?? predicted.status, seen.code ?? seen.status);
  if (predicted.code !== undefined) return;
  if (seen.status !== undefined && seen.status !== predicted.status)
    differs("status", predicted.status, seen.status);
  for (const [name, value] of Object.entries(seen.body ?? {}))
    if (!isDeepStrictEqual(value, predicted.body?.[name]))
      differs(name, predicted.body?.[name], value);
};
