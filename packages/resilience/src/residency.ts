import { type Backend, FileError } from "@bulkhead/contract";

/** Where a mount has to be: a region that the storage itself confirms, or one that the operator vouches for. */
export type Region = string | { readonly attested: string };

/**
 * Asks a storage where it is and compares. Rejects with `unavailable` where it is elsewhere, or cannot tell and nobody
 * attests it. Answers whether the storage itself confirmed it.
 */
export const verifyResidency = async (
  backend: Pick<Backend, "region">,
  region: Region | undefined,
): Promise<"verified" | "unverified"> => {
  if (region === undefined) return "unverified";
  const real = await backend.region();
  const wanted = typeof region === "string" ? region : region.attested;
  if (real === undefined && typeof region !== "string") return "unverified";
  if (real === wanted) return "verified";
  throw new FileError(
    "unavailable",
    real === undefined
      ? "This mount's storage does not say which region it is in; attest it in the configuration."
      : "This mount's storage is not in the mount's region.",
  );
};
