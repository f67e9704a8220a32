import type { Context } from "./context.ts";
import type { PageOf, PageQuery } from "./records.ts";
import type { ReadOptions, ReadResult, Stat } from "./store.ts";

export interface ShareInput {
  /** Absolute, or below the caller's home. */
  readonly path: string;
  /** The target, exactly one of three. */
  readonly tenant?: string | undefined;
  readonly subject?: string | undefined;
  readonly link?: true | undefined;
  /** `can_read` by default; `can_write` makes an editor. */
  readonly permission?: "can_read" | "can_write" | undefined;
  readonly expiresAt?: number | undefined;
  readonly maxUses?: number | undefined;
  readonly password?: string | undefined;
}

export interface ShareRecord {
  readonly id: string;
  readonly sourceTenant: string;
  readonly targetTenant: string | null;
  readonly subject: string | null;
  readonly path: string;
  /** Where the target tenant finds it. */
  readonly target: string | null;
  readonly permission: "can_read" | "can_write";
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | null;
  readonly maxUses: number | null;
  readonly uses: number;
  readonly status: "active" | "expired" | "revoked";
  /** The path and query of a link, in the answer that made it only. */
  readonly url?: string;
}

export interface ShareControl {
  readonly create: (ctx: Context, input: ShareInput) => Promise<ShareRecord>;
  /** Of both sides: given by the caller's tenant and given to it. */
  readonly list: (
    ctx: Context,
    query: PageQuery & {
      readonly tenant?: string | undefined;
      readonly status?: ShareRecord["status"] | undefined;
    },
  ) => Promise<PageOf<ShareRecord>>;
  /** Resolves once no request that stands on it can succeed any more. */
  readonly revoke: (ctx: Context, id: string) => Promise<void>;
}

/** Somebody who has the token of a link and no key. */
export interface LinkVisit {
  readonly token: string;
  readonly password: string | undefined;
  /** As in `Credential`. */
  readonly address: string;
  readonly front: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly cut: () => void;
}

/**
 * Links to files. Rejects with `not-found` for a token that is none, and for a link that has ended or is used up; with
 * `forbidden` without its password; with `is-directory` where a directory has come to stand there.
 */
export interface LinkControl {
  /** What the link leads to. Uses nothing up. */
  readonly stat: (visit: LinkVisit) => Promise<Stat>;
  /** Opens the content; uses one use up, decided together with how many there are. */
  readonly read: (
    visit: LinkVisit,
    options?: Pick<ReadOptions, "range" | "piece" | "reuse">,
  ) => Promise<ReadResult>;
}
