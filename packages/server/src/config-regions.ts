import { z } from "zod";

export interface ResidencyConfig {
  readonly metadata: "refused" | "allowed";
}

/** The origin of a server: what is asked for is put behind it. */
export const address: z.ZodType<string, string> = z
  .string()
  .regex(
    /^https?:\/\/[^/?#\s]+$/,
    "is an address like https://eu.example.com, with nothing behind it",
  );

export const residency: z.ZodType<ResidencyConfig, unknown> = z
  .strictObject({
    metadata: z
      .enum(["refused", "allowed"])
      .default("refused")
      .describe(
        "What becomes of a tenant whose regions exclude the ledger's: refused, or allowed, with names, sizes and times of its files in the ledger all the same.",
      ),
  })
  .default({ metadata: "refused" })
  .describe("What may be outside a tenant's regions.");
