import type { BucketSpec } from "@bulkhead/engine";
import { z } from "zod";

const fields = {
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("The address of the store; Amazon's of the region by default."),
  region: z
    .string()
    .min(1)
    .optional()
    .describe("What requests are signed for; the mount's region by default, else us-east-1."),
  bucket: z.string().min(3).describe("The bucket. It has to be there."),
  prefix: z
    .string()
    .regex(/^(?!.*(^|\/)\.{0,2}(\/|$)).+$/u, "is names with single slashes between them")
    .optional()
    .describe("Only keys below it are used; a placement's holds one for each tenant's root."),
  accessKeyId: z.string().min(1).optional().describe("Best from the environment: ${S3_KEY_ID}."),
  secretAccessKey: z
    .string()
    .min(1)
    .optional()
    .describe("Best from the environment: ${S3_SECRET}."),
  sessionToken: z.string().min(1).optional().describe("With credentials that are lent for a time."),
  forcePathStyle: z
    .boolean()
    .optional()
    .describe(
      "Names the bucket in the path instead of the host; by default where there is an endpoint.",
    ),
  requestChecksumCalculation: z
    .enum(["supported", "required"])
    .optional()
    .describe(
      "required spares older stores checksums that they do not know; supported by default.",
    ),
};

/** The bucket of a storage. */
export const bucket: z.ZodType<BucketSpec, unknown> = z
  .strictObject(fields)
  .describe("For s3, and for versioned instead of a folder: the bucket.");

/** The same where each mount may name its own. */
export const bucketOfMounts: z.ZodType<BucketSpec, unknown> = z
  .strictObject({
    ...fields,
    bucket: z
      .union([z.literal(""), z.string().min(3)])
      .default("")
      .describe("The bucket. It has to be there. Without it each mount has to name one."),
  })
  .describe("For s3, and for versioned instead of a folder: the bucket.");

/** What is wrong with the bucket of a storage. `credentials`: nobody else brings any. */
export const bucketFaults = (
  backend: string,
  options: { readonly root?: string | undefined; readonly s3?: BucketSpec | undefined },
  credentials: boolean,
): { readonly code: "custom"; readonly path: string[]; readonly message: string }[] => {
  const fault = (path: string[], message: string) => [{ code: "custom" as const, path, message }];
  const { s3, root } = options;
  if (s3 === undefined)
    return backend === "s3" ? fault(["options", "s3"], "is needed for the backend 's3'") : [];
  if (backend !== "s3" && backend !== "versioned")
    return fault(["options", "s3"], `is not for the backend '${backend}'`);
  if (root !== undefined) return fault(["options", "root"], "is not beside a bucket");
  const complete = s3.accessKeyId !== undefined && s3.secretAccessKey !== undefined;
  return complete || !credentials
    ? []
    : fault(["options", "s3"], "needs accessKeyId and secretAccessKey");
};
