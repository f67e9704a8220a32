import type { Bench } from "../row.ts";
import { authorization } from "./authorization.ts";
import { flood } from "./flood.ts";
import { largeOverHttp } from "./large-over-http.ts";
import { manyTenants } from "./many-tenants.ts";
import { overHttp } from "./over-http.ts";
import { relations } from "./relations.ts";
import { bucket, bucketMemory } from "./s3.ts";
import { start } from "./start.ts";
import { versionedLarge } from "./versioned-large.ts";
import { versionedReads } from "./versioned-reads.ts";
import { versionedTrees } from "./versioned-trees.ts";
import { versionedWrites } from "./versioned-writes.ts";

/** Every group, in the order in which `npm run bench` runs them. */
export const benches: readonly Bench[] = [
  versionedWrites,
  versionedReads,
  versionedLarge,
  versionedTrees,
  relations,
  authorization,
  overHttp,
  largeOverHttp,
  flood,
  bucket,
  bucketMemory,
  manyTenants,
  start,
];
