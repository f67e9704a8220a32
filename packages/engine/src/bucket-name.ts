import { createHash } from "node:crypto";

/** What a bucket's name is made of. */
export interface BucketNaming {
  /** Before all of a placement's names, such as `shop-`. */
  readonly prefix: string;
  /** The tenant's subdomain; its id where it has none. */
  readonly tenant: string;
  /** The tenant's uid, which no other ever had. */
  readonly uid: string;
  /** What the bucket is for, such as `uploads`. */
  readonly name: string;
}

const most = 63;

/** What stores take as a name, and do not keep for themselves. */
const isBucketName = (name: string): boolean =>
  /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name) && !/^(xn--|sthree-|amzn-s3-demo-)/.test(name);

/** The name that says most: `<tenant>-<name>`. Undefined where a bucket cannot be called so. */
export const plainBucketName = ({ prefix, tenant, name }: BucketNaming): string | undefined => {
  const plain = `${prefix}${tenant}-${name}`;
  return isBucketName(plain) ? plain : undefined;
};

/** A name that no other tenant can have, cut to what a bucket's may hold. */
export const hashedBucketName = ({ prefix, tenant, uid, name }: BucketNaming): string => {
  const hash = createHash("sha256").update(uid).digest("hex").slice(0, 16);
  const end = `${hash}-${name}`;
  const told = `${prefix}${tenant.replaceAll("_", "-")}`.slice(0, most - end.length - 1);
  const whole = `${told}-${end}`;
  return isBucketName(whole) ? whole : end;
};
