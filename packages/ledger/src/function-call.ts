import type { Statement } from "./database.ts";

/** A named statement that calls a function of the ledger with so many parameters. */
export const functionCall = (name: string, parameters: number): Statement => ({
  name,
  text: `select bulkhead.${name}(${Array.from({ length: parameters }, (_, i) => `$${i + 1}`).join(", ")})`,
});
