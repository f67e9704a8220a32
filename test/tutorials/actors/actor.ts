import type {
  CheckInput,
  QuotaAnswer,
  QuotaEntries,
  UpgradePreview,
  UsageReport,
  UserInput,
  UserPatch,
} from "@bulkhead/contract";
import type {
  GrantRequest,
  MintRequest,
  NarrowRequest,
  ShareRequest,
  WireAuditEntry,
  WireExplanation,
  WireGroup,
  WireKey,
  WireMintedKey,
  WireRelation,
  WireShare,
  WireTenant,
  WireUser,
  WireVersion,
  WireWhoAmI,
} from "@bulkhead/wire";

/** Who may what: users, groups, relations and shares. Objects are written `file:/…`, `group:…`, `tenant:…`. */
interface Relating {
  readonly makeUser: (tenant: string, input: UserInput) => Promise<WireUser>;
  readonly getUser: (tenant: string, id: string, type?: WireUser["type"]) => Promise<WireUser>;
  readonly listUsers: (tenant: string, type?: WireUser["type"]) => Promise<readonly WireUser[]>;
  readonly changeUser: (
    tenant: string,
    id: string,
    patch: UserPatch,
    type?: WireUser["type"],
  ) => Promise<WireUser>;
  readonly removeUser: (tenant: string, id: string, type?: WireUser["type"]) => Promise<void>;
  readonly makeGroup: (tenant: string, id: string) => Promise<WireGroup>;
  readonly removeGroup: (tenant: string, id: string) => Promise<void>;
  readonly join: (tenant: string, group: string, subject: string) => Promise<void>;
  readonly leave: (tenant: string, group: string, subject: string) => Promise<void>;
  readonly grant: (input: GrantRequest) => Promise<WireRelation>;
  readonly listRelations: (filter: RelationFilter) => Promise<readonly WireRelation[]>;
  readonly revokeRelation: (id: string) => Promise<void>;
  readonly check: (input: CheckInput) => Promise<boolean>;
  readonly explain: (
    operation: "read" | "write" | "list",
    path: string,
    subject?: string,
  ) => Promise<WireExplanation>;
  readonly share: (input: ShareRequest) => Promise<WireShare>;
  readonly listShares: (filter?: ShareFilter) => Promise<readonly WireShare[]>;
  readonly revokeShare: (id: string) => Promise<void>;
}

export interface RelationFilter {
  readonly tenant?: string;
  readonly subject?: string;
  readonly object?: string;
  readonly crossing?: boolean;
}

export interface ShareFilter {
  readonly tenant?: string;
  readonly status?: WireShare["status"];
}

/**
 * What the programs of the tutorials do, by whichever way they do it. Every call rejects with a `Refused` where the server
 * refuses. Paths are a caller's own, as in the pages: from the key's home on, or absolute.
 */
export interface Actor extends Relating {
  readonly write: (path: string, text: string) => Promise<void>;
  readonly append: (path: string, text: string) => Promise<void>;
  readonly read: (path: string) => Promise<string>;
  readonly stat: (path: string) => Promise<void>;
  /** The names in a directory. */
  readonly list: (path: string) => Promise<readonly string[]>;
  readonly mkdir: (path: string) => Promise<void>;
  readonly remove: (path: string) => Promise<void>;
  /** Removes a directory with all that is in it. */
  readonly removeTree: (path: string) => Promise<void>;
  readonly copy: (from: string, to: string) => Promise<void>;
  readonly move: (from: string, to: string) => Promise<void>;
  /** The paths below `path`, however deep. */
  readonly find: (path: string) => Promise<readonly string[]>;
  /** The lines below `path` that hold `word`. */
  readonly grep: (word: string, path: string) => Promise<readonly string[]>;
  /** What was stored at a path and removed there, newest first. */
  readonly versions: (path: string) => Promise<readonly WireVersion[]>;
  readonly readVersion: (path: string, version: string) => Promise<string>;
  readonly restore: (path: string, version: string) => Promise<void>;
  readonly whoami: () => Promise<WireWhoAmI>;
  readonly mintKey: (input: MintRequest) => Promise<WireMintedKey>;
  readonly listKeys: (tenant?: string) => Promise<readonly WireKey[]>;
  readonly getKey: (id: string) => Promise<WireKey>;
  readonly narrowKey: (id: string, patch: NarrowRequest) => Promise<WireKey>;
  readonly rotateKey: (id: string, overlapSeconds?: number) => Promise<WireMintedKey>;
  readonly revokeKey: (id: string) => Promise<void>;
  readonly makeTenant: (
    id: string,
    more?: { readonly plan?: string; readonly trialDays?: number },
  ) => Promise<WireTenant>;
  readonly upgradeTenant: (id: string, plan: string) => Promise<WireTenant>;
  readonly previewUpgrade: (id: string, plan: string) => Promise<UpgradePreview>;
  readonly usage: (id: string) => Promise<UsageReport>;
  readonly getQuota: (id: string) => Promise<QuotaEntries>;
  readonly setQuota: (
    id: string,
    limits: Readonly<Record<string, number>>,
    soft?: Readonly<Record<string, number>>,
  ) => Promise<QuotaEntries>;
  readonly count: (
    verb: "check" | "increment" | "decrement",
    id: string,
    resource: string,
    amount?: number,
  ) => Promise<QuotaAnswer>;
  readonly getTenant: (id: string) => Promise<WireTenant>;
  readonly listTenants: () => Promise<readonly string[]>;
  readonly limitTenant: (id: string, limits: Readonly<Record<string, number>>) => Promise<void>;
  readonly suspend: (id: string) => Promise<void>;
  readonly reactivate: (id: string) => Promise<void>;
  /** Resolves once the tenant's data is gone. */
  readonly deleteTenant: (id: string) => Promise<void>;
  readonly audit: (tenant?: string) => Promise<readonly WireAuditEntry[]>;
}

export interface ActorOptions {
  readonly url: string;
  readonly key: string;
  readonly workspacePrefix?: string | undefined;
  /** For whom to act, and of which tenant that is. */
  readonly as?: string | undefined;
  readonly namespace?: string | undefined;
  /** Sent with every request, as a proxy in between would. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Is told every answer: its headers, its body, and what a command printed. */
  readonly heard?: ((text: string) => void) | undefined;
}

/** In which way a server said no, and how each of the three ways of asking shows it. */
export const signs = {
  http: {
    denied: "403",
    unknown: "401",
    missing: "404",
    conflict: "409",
    invalid: "400",
    quota: "507",
  },
  client: {
    denied: "PermissionError",
    unknown: "UnauthenticatedError",
    missing: "NotFoundError",
    conflict: "ConflictError",
    invalid: "InvalidRequestError",
    quota: "QuotaExceededError",
  },
  cli: {
    denied: "10",
    unknown: "10",
    missing: "3",
    conflict: "11",
    invalid: "2",
    quota: "12",
  },
} as const;

export type Way = keyof typeof signs;

/** What the server refused: its code, and the sign by which a program notices (status, class of the error, exit code). */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly code: string;
  readonly sign: string;

  constructor(code: string, sign: string, detail: string) {
    super(`${sign} ${code}: ${detail}`);
    this.code = code;
    this.sign = sign;
  }
}

/** A `fetch` that adds headers to each request and tells what each answer holds. */
export const hearing =
  ({ headers = {}, heard = () => undefined }: ActorOptions): typeof fetch =>
  async (input, init) => {
    const sent = new Headers(init?.headers);
    for (const [name, value] of Object.entries(headers)) sent.set(name, value);
    const response = await fetch(input, { ...init, headers: sent });
    heard(`${JSON.stringify([...response.headers])}\n${await response.clone().text()}`);
    return response;
  };
