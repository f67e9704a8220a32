import type { Backend } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { query, testDatabase } from "@bulkhead/harness";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import { randomUUID } from "node:crypto";
import { versioned, type VersionedBackend } from "../versioned.ts";

/** A ledger on a database of its own. */
export interface TestLedger extends AsyncDisposable {
  readonly url: string;
  readonly ledger: Ledger;
  /** Another process of the same ledger. */
  readonly open: () => Promise<Ledger>;
  readonly sql: (
    text: string,
    values?: readonly unknown[],
  ) => Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export const testLedger = async (): Promise<TestLedger> => {
  const database = await testDatabase({ migrate });
  const opened: Ledger[] = [];
  const open = async (): Promise<Ledger> => {
    const ledger = await openLedger({ url: database.url, masterKeyFingerprint: "one" });
    opened.push(ledger);
    return ledger;
  };
  return {
    url: database.url,
    ledger: await open(),
    open,
    sql: (text, values) => query(database.url, text, values),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((ledger) => ledger.close()));
      await database.close();
    },
  };
};

/** An empty tree on the platform's own ground, over `content`. */
export const freshTree = async (
  ledger: Ledger,
  content: Backend = memory(),
): Promise<VersionedBackend> => {
  const name = randomUUID();
  return versioned({
    tree: await ledger.trees.ensure(undefined, name, name),
    content,
    ledger: ledger.trees,
  });
};
