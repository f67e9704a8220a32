import { createHash } from "node:crypto";
import { contentFunctions } from "./functions-content.ts";
import { effectFunctions } from "./functions-effects.ts";
import { findFunctions } from "./functions-find.ts";
import { grantFunctions } from "./functions-grants.ts";
import { recoveryFunctions } from "./functions-recovery.ts";
import { transferFunctions } from "./functions-transfer.ts";
import { tables } from "./tables.ts";

/** One step of a tree's schema. What was released is never changed, only followed. */
export interface Migration {
  readonly version: number;
  readonly sql: (quotedSchema: string) => string;
}

export const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: (s) =>
      [
        tables,
        findFunctions,
        contentFunctions,
        effectFunctions,
        transferFunctions,
        recoveryFunctions,
      ]
        .map((part) => part(s))
        .join("\n"),
  },
  { version: 2, sql: grantFunctions },
];

/** The version that this code works on. */
export const currentVersion: number = migrations.at(-1)?.version ?? 0;

/** Identifies what a step does, whichever schema it is done in. */
export const migrationHash = (step: Migration): string =>
  createHash("sha256").update(step.sql("s")).digest("hex");
