import type { Defect } from "./defect.ts";
import { durability } from "./durability.ts";
import { paths } from "./paths.ts";
import { policy } from "./policy.ts";
import { quota } from "./quota.ts";
import { revocation } from "./revocation.ts";

export type { Defect } from "./defect.ts";

/** Every planted defect. */
export const defects: readonly Defect[] = [
  ...paths,
  ...policy,
  ...revocation,
  ...quota,
  ...durability,
];
