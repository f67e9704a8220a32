import { createHash } from "node:crypto";
import { relationExecutions } from "./executions-relations.ts";
import { backup } from "./backup.ts";
import { bills } from "./bills.ts";
import { changes } from "./changes.ts";
import { accountedExecutions, accountedFunctions } from "./functions-accounted.ts";
import { events } from "./events.ts";
import { admissionFunctions } from "./functions-admission.ts";
import { coreFunctions } from "./functions-core.ts";
import { directory } from "./directory.ts";
import { digests } from "./functions-digests.ts";
import { followFunctions } from "./functions-follow.ts";
import { followingCommits } from "./functions-following-commits.ts";
import { healthFiles } from "./health-files.ts";
import { health } from "./health.ts";
import { hotFunctions } from "./functions-hot.ts";
import { loneWrite } from "./functions-lone-write.ts";
import { mounts } from "./mounts.ts";
import { mountRoom } from "./mount-room.ts";
import { moves } from "./moves.ts";
import { movingFunctions } from "./functions-moving.ts";
import { relationFunctions } from "./functions-relations.ts";
import { snapshotFunctions } from "./functions-snapshot.ts";
import { systemFunctions } from "./functions-system.ts";
import { tenantBuckets } from "./tenant-buckets.ts";
import { treeCommits } from "./functions-tree-commits.ts";
import { treePages } from "./tree-pages.ts";
import { treeReads } from "./functions-tree-reads.ts";
import { treeSystem } from "./functions-tree-system.ts";
import { treeWhole } from "./functions-tree-whole.ts";
import { treeList } from "./functions-tree-list.ts";
import { treeWalks } from "./functions-tree-walks.ts";
import { treeWrite, treeWriteExecutions } from "./functions-tree-write.ts";
import { treeFunctions } from "./functions-trees.ts";
import { provisioning } from "./provisioning.ts";
import { plainWrites } from "./plain-writes.ts";
import { plans } from "./plans.ts";
import { quotaFunctions, quotaTables } from "./quota.ts";
import { quotaIntents } from "./quota-intents.ts";
import { quotaWatch } from "./quota-watch.ts";
import { executions, policies } from "./roles.ts";
import { tables } from "./tables.ts";
import { rates } from "./rates.ts";
import { relationTables } from "./tables-relations.ts";
import { accountedTables } from "./tables-accounted.ts";
import { treeExecutions, treeTables } from "./tables-trees.ts";

import { uploads } from "./uploads.ts";
import { usage } from "./usage.ts";

/** A step of the schema. Once released it never changes: its hash is compared with what was applied. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** The oldest code, by its newest migration, that runs on the schema after this step. */
  readonly minCode: number;
}

/** Every step, in order. */
export const migrations: readonly Migration[] = [
  { version: 1, name: "tables", sql: tables, minCode: 1 },
  { version: 2, name: "policies", sql: policies, minCode: 2 },
  {
    version: 3,
    name: "functions",
    sql: coreFunctions + hotFunctions + systemFunctions + executions,
    minCode: 3,
  },
  {
    version: 4,
    name: "trees",
    sql:
      treeTables +
      treeFunctions +
      treeWhole +
      treeCommits +
      treeReads +
      treeSystem +
      treeExecutions,
    minCode: 4,
  },
  {
    version: 5,
    name: "relations",
    sql:
      relationTables +
      followFunctions +
      followingCommits +
      relationFunctions +
      admissionFunctions +
      relationExecutions,
    minCode: 5,
  },
  {
    version: 6,
    name: "accounted",
    sql: accountedTables + accountedFunctions + movingFunctions + accountedExecutions,
    minCode: 6,
  },
  { version: 7, name: "provisioning", sql: provisioning, minCode: 5 },
  { version: 8, name: "changes", sql: changes, minCode: 8 },
  {
    version: 9,
    name: "speed",
    sql: events + treeWalks + treeList + treeWrite + treeWriteExecutions,
    minCode: 9,
  },
  { version: 10, name: "backup", sql: backup, minCode: 10 },
  { version: 11, name: "digests", sql: digests, minCode: 9 },
  { version: 12, name: "lone-writes", sql: loneWrite, minCode: 9 },
  { version: 13, name: "snapshot", sql: snapshotFunctions, minCode: 10 },
  { version: 14, name: "mounts", sql: mounts, minCode: 14 },
  { version: 15, name: "directory", sql: directory, minCode: 14 },
  { version: 16, name: "moves", sql: moves, minCode: 10 },
  { version: 18, name: "plans", sql: plans, minCode: 18 },
  {
    version: 19,
    name: "quota",
    sql: quotaTables + quotaIntents + quotaFunctions + quotaWatch,
    minCode: 19,
  },
  { version: 20, name: "rates", sql: rates, minCode: 9 },
  { version: 22, name: "usage", sql: usage, minCode: 9 },
  { version: 23, name: "bills", sql: bills, minCode: 18 },
  { version: 25, name: "health", sql: health, minCode: 9 },
  { version: 26, name: "tenant-buckets", sql: tenantBuckets, minCode: 26 },
  { version: 28, name: "health-files", sql: healthFiles, minCode: 9 },
  { version: 29, name: "mount-room", sql: mountRoom, minCode: 26 },
  { version: 30, name: "plain-writes", sql: plainWrites, minCode: 19 },
  { version: 31, name: "tree-pages", sql: treePages, minCode: 19 },
  { version: 33, name: "uploads", sql: uploads, minCode: 19 },
];

/** The SHA-256 of a step's text, in hex. */
export const migrationHash = (migration: Migration): string =>
  createHash("sha256").update(migration.sql).digest("hex");
