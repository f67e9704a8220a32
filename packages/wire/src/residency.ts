import type { ResidencyItem, ResidencyState } from "@bulkhead/contract";
import { z } from "zod";

const state: z.ZodType<ResidencyState> = z.enum([
  "verified",
  "unverified",
  "violated",
  "unreachable",
]);

const place = z.object({ region: z.string().nullable(), state });

/** Where a file is, as it travels. */
export const residencyItem: z.ZodType<ResidencyItem> = z.object({
  path: z.string(),
  kind: z.enum(["file", "versions", "removed", "mount"]),
  size: z.int().nullable(),
  content: place,
  metadata: place,
});
