import type { DirectoryEntry, DirectoryInput } from "@bulkhead/contract";
import { z } from "zod";
import { timeOf, timestamp } from "./time.ts";

/** `POST /v1/directory` */
export const directoryRequest: z.ZodType<DirectoryInput> = z.strictObject({
  tenant: z.string(),
  region: z.string(),
  subdomain: z.string().optional(),
});

/** A tenant of another region, as it travels. */
export interface WireDirectoryEntry extends Omit<DirectoryEntry, "createdAt" | "updatedAt"> {
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const wireDirectoryEntry: z.ZodType<WireDirectoryEntry> = z.object({
  tenant: z.string(),
  region: z.string(),
  subdomain: z.string().nullable(),
  createdAt: timestamp,
  updatedAt: timestamp,
});

export const wireDirectoryEntryOf = (entry: DirectoryEntry): WireDirectoryEntry => ({
  tenant: entry.tenant,
  region: entry.region,
  subdomain: entry.subdomain,
  createdAt: timeOf(entry.createdAt),
  updatedAt: timeOf(entry.updatedAt),
});
