import { createHash } from "node:crypto";

const prefix = "bulkhead_";
/** Hexadecimal digits of the hash: 128 bits. */
const digits = 32;
const longest = 63;

/**
 * Names a tenant's database and role: what is readable of the slug, and a hash of slug and uid, exactly as they are. So
 * two tenants never share a name, however alike their slugs are after case is folded, characters are replaced and the
 * whole is cut to the 63 bytes that PostgreSQL keeps.
 */
export const databaseName = (slug: string, uid: string): string => {
  const hash = createHash("sha256")
    .update(JSON.stringify([slug, uid]))
    .digest("hex");
  const readable = slug
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .slice(0, longest - prefix.length - 1 - digits);
  return `${prefix}${readable}_${hash.slice(0, digits)}`;
};
