import type { Scope } from "@bulkhead/contract";
import { type Key, type Principal, principalOf, type Tenant, checkServing } from "./authority.ts";
import type { Request } from "./call.ts";
import { administer } from "./administration.ts";
import type { Directory, Kept } from "./files.ts";
import { operate } from "./operations.ts";
import { relate } from "./relating.ts";
import type { Tuple } from "./relations.ts";
import { Refusal, refuse } from "./refusal.ts";
import { before } from "./room.ts";

/** All that there is: the state of the whole system, and nothing clever. */
export interface World {
  /** The whole tree. */
  readonly tree: Directory;
  /** What the files were that were removed at a place, and that they were. */
  readonly removed: Map<string, readonly Kept[]>;
  /** Those that exist, by id; the ended ones are gone. */
  readonly tenants: Map<string, Tenant>;
  /** By name; the ended ones stay. */
  readonly keys: Map<string, Key>;
  /** Every relation that was given and not taken back. */
  tuples: Tuple[];
  /** Milliseconds since the epoch. */
  now: number;
  stamps: number;
}

export const platformName = "platform";

const all: readonly Scope[] = ["read", "write", "share", "admin"];

/** A world with a platform key, both namespaces, and nothing else. */
export const emptyWorld = (): World => ({
  tree: new Map([
    ["workspace", new Map()],
    ["tenants", new Map()],
  ]),
  removed: new Map(),
  tenants: new Map(),
  keys: new Map([
    [
      platformName,
      {
        name: platformName,
        tenant: undefined,
        prefix: undefined,
        subject: undefined,
        scopes: all,
        parent: undefined,
        expiresAt: Infinity,
        revoked: false,
      },
    ],
  ]),
  tuples: [],
  now: 0,
  stamps: 0,
});

/** What the system has to answer, and what it has to leave in the audit log. */
export interface Prediction {
  readonly code?: string;
  readonly status?: number;
  readonly body?: Readonly<Record<string, unknown>>;
  /** How many successes have to be on record: one for each mutation. */
  readonly recorded: number;
  /** The reason of the refusal that has to be on record. */
  readonly denied?: string;
  /** The end of what goes on behind the answer has to be waited for. */
  readonly job?: boolean;
  /** What it comes to is not predicted: it is not asked for. */
  readonly untold?: boolean;
}

/** What an operation came to, and how many mutations it is. */
export interface Outcome {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  readonly mutates: number;
  readonly job?: boolean;
  readonly untold?: boolean;
  /** From one storage to another: both ends have it for a while. */
  readonly apart?: boolean;
}

const denials: readonly string[] = [
  "outside-workspace",
  "forbidden",
  "scope-required",
  "tenant-suspended",
  "tenant-mismatch",
];

/** Carries a request out, and says what the answer is. */
export const answer = (world: World, request: Request): Prediction => {
  try {
    const key = world.keys.get(request.by);
    if (key === undefined) throw new Error(`The model knows no key ${request.by}.`);
    const principal = principalOf(world, key, request.within);
    const { status, body, mutates, job, untold } = act(world, principal, request);
    return {
      status,
      recorded: mutates,
      ...(body !== undefined && { body }),
      ...(job === true && { job }),
      ...(untold === true && { untold }),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const denied = error.hidden ? "no relation" : denials.find((code) => code === error.code);
    return { code: error.code, recorded: 0, ...(denied !== undefined && { denied }) };
  }
};

const act = (world: World, principal: Principal, { operation }: Request): Outcome => {
  switch (operation.op) {
    case "stat":
    case "read":
    case "list":
    case "write":
    case "append":
    case "mkdir":
    case "remove":
    case "copy":
    case "move":
    case "glob":
    case "versions":
    case "restore":
      return withinLimits(world, () => operate(world, principal, operation));
    case "whoami":
      checkServing(principal.tenant, principal);
      return { status: 200, mutates: 0, body: { ...whoIs(principal) } };
    case "mint":
    case "narrow":
    case "revoke":
    case "rotate":
    case "create":
    case "suspend":
    case "reactivate":
    case "delete":
    case "limit":
      checkServing(principal.tenant, principal);
      return administer(world, principal, operation);
    case "user":
    case "removeUser":
    case "group":
    case "removeGroup":
    case "grant":
    case "ungrant":
    case "check":
      checkServing(principal.tenant, principal);
      return relate(world, principal, operation);
    default:
      return operation satisfies never;
  }
};

/** An operation on files, unless it takes more room than a tenant has: then nothing happened. */
const withinLimits = (world: World, operation: () => Outcome): Outcome => {
  const earlier = before(world);
  const outcome = operation();
  // A job finds out on its way; how far it came is not predicted.
  const untold = outcome.job === true || outcome.apart === true;
  if (earlier === undefined || !(untold || earlier.exceeded())) return outcome;
  earlier.undo();
  return untold ? { ...outcome, untold } : refuse("quota-exceeded");
};

const whoIs = ({ kind, tenant, home, bounds, scopes }: Principal): object => ({
  kind,
  tenant: tenant?.id ?? null,
  home,
  bounds: [...bounds].sort(),
  scopes,
});
