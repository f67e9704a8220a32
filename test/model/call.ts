import type { Scope, UserRole } from "@bulkhead/contract";
import type { Mode } from "./files.ts";

/** Which bytes of a file. */
export type Range = { readonly start: number; readonly end?: number } | { readonly suffix: number };

/** Whom a relation is of, and on what: a path, the group of a tenant, or being the admin of one. */
interface Asked {
  readonly subject: string;
  readonly subjectTenant?: string | undefined;
  readonly path?: string | undefined;
  /** What lies below the path alone. */
  readonly below?: boolean | undefined;
  readonly group?: string | undefined;
  readonly tenant?: string | undefined;
  readonly admin?: string | undefined;
}

/** An operation in the words that a caller uses: paths as sent, keys and tenants by their ids. */
export type Operation =
  | { readonly op: "stat"; readonly path: string }
  | {
      readonly op: "read";
      readonly path: string;
      readonly range?: Range | undefined;
      /** Which of the earlier contents, the newest being 0. */
      readonly nth?: number | undefined;
      /** What the system calls it. */
      readonly version?: string | undefined;
    }
  | { readonly op: "versions"; readonly path: string }
  | {
      readonly op: "restore";
      readonly path: string;
      readonly nth: number;
      readonly version?: string | undefined;
    }
  | {
      readonly op: "list";
      readonly path: string;
      readonly recursive: boolean;
      readonly pageSize?: number | undefined;
    }
  | {
      readonly op: "write";
      readonly path: string;
      readonly content: string;
      readonly mode: Mode;
      readonly type?: string | undefined;
      /** The metadata `note`. */
      readonly meta?: string | undefined;
      readonly etag?: string | undefined;
    }
  | { readonly op: "append"; readonly path: string; readonly content: string }
  | { readonly op: "mkdir"; readonly path: string; readonly parents: boolean }
  | {
      readonly op: "remove";
      readonly path: string;
      readonly recursive: boolean;
      readonly match?: Match | undefined;
      readonly etag?: string | undefined;
    }
  | {
      readonly op: "copy" | "move";
      readonly from: string;
      readonly to: string;
      readonly overwrite: boolean;
      readonly match?: Match | undefined;
      readonly etag?: string | undefined;
    }
  | { readonly op: "glob"; readonly path: string; readonly pattern: string }
  | { readonly op: "whoami" }
  | {
      readonly op: "mint";
      /** What the model calls the new key. */
      readonly name: string;
      readonly prefix?: string | undefined;
      readonly subject?: string | undefined;
      readonly tenant?: string | undefined;
      readonly scopes?: readonly Scope[] | undefined;
      readonly expiresAt?: number | undefined;
    }
  | {
      readonly op: "narrow";
      readonly key: string;
      readonly id: string;
      readonly scopes?: readonly Scope[] | undefined;
      readonly prefix?: string | undefined;
    }
  | { readonly op: "revoke"; readonly key: string; readonly id: string }
  | {
      readonly op: "rotate";
      readonly name: string;
      readonly key: string;
      readonly id: string;
      readonly overlapSeconds: number;
    }
  | {
      readonly op: "user";
      readonly tenant: string;
      /** As `user:alice`. */
      readonly subject: string;
      readonly role?: UserRole | undefined;
    }
  | { readonly op: "removeUser"; readonly tenant: string; readonly subject: string }
  | { readonly op: "group"; readonly tenant: string; readonly id: string }
  | { readonly op: "removeGroup"; readonly tenant: string; readonly id: string }
  | ({
      readonly op: "grant";
      /** What the model calls the relation. */
      readonly name: string;
      readonly relation: string;
      readonly expiresAt?: number | undefined;
    } & Asked)
  | { readonly op: "ungrant"; readonly name: string; readonly id: string }
  | ({ readonly op: "check"; readonly permission: string } & Asked)
  | { readonly op: "create"; readonly tenant: string; readonly root: string }
  | { readonly op: "suspend" | "reactivate"; readonly tenant: string }
  | { readonly op: "delete"; readonly tenant: string; readonly confirmed: boolean }
  /** Null is no limit. */
  | {
      readonly op: "limit";
      readonly tenant: string;
      readonly bytes: number | null;
      readonly files: number | null;
    };

/** Whether a condition names the ETag that is there, or one that never was. */
export type Match = "current" | "stale";

/** One request: who asks (by the model's name of the key), narrowed to what, and for what. */
export interface Request {
  readonly by: string;
  readonly within?: string | undefined;
  readonly operation: Operation;
}

/** What an answer says, in the same words for every front. A front leaves out what it does not show. */
export interface Answer {
  readonly code?: string | undefined;
  readonly status?: number | undefined;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
}

/** What may change what lies where. */
export const mutating: readonly Operation["op"][] = [
  "write",
  "append",
  "mkdir",
  "remove",
  "copy",
  "move",
  "restore",
  "create",
  "suspend",
  "reactivate",
  "delete",
  "user",
];
