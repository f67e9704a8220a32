import {
  type AuditDraft,
  type Context,
  FileError,
  isFileError,
  type LinkControl,
  type LinkVisit,
  type Principal,
  type ReadResult,
  type VirtualPath,
  type WholeTree,
} from "@bulkhead/contract";
import { checkServing } from "../decision.ts";
import { type Meter, metered, readDetail } from "../meter.ts";
import { auditsReads, type ReadAudit, readRecord } from "../audited-reads.ts";
import type { Shares, StoredShare } from "../ports-shares.ts";
import type { DenialSink, TenantStore } from "../ports.ts";
import type { FailedAttempts } from "../rates/failed-attempts.ts";
import type { RatedTenant } from "../rates/tenant-facts.ts";
import { placedRead } from "../rates/placed-read.ts";
import { hashToken, isPassword } from "../relations/secrets.ts";
import type { Lasting, StreamWatch } from "../stream-watch.ts";
import type { Entrance } from "./enter.ts";

export interface LinkControlOptions {
  readonly shares: Pick<Shares, "byToken" | "get" | "use">;
  readonly tenants: Pick<TenantStore, "byUid">;
  readonly sink: DenialSink;
  readonly attempts: FailedAttempts;
  /** Gives a visitor a place among the requests of the link's tenant. */
  readonly visit: Entrance["visit"];
  readonly streams: StreamWatch;
  /** Below all policy: what a link gives, it gives to whoever has it. */
  readonly storages: Pick<WholeTree, "stat" | "read">;
  readonly meter: Meter;
  readonly recordRead: ReadAudit["record"];
  /** Brings the mount table up to what the ledger says now. */
  readonly catchUp: () => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A link that can be opened, and whose it is. */
interface Living {
  readonly share: StoredShare;
  readonly tenant: RatedTenant;
}

/** How often a file is looked for anew that is moved while its link is opened. */
const moves = 5;

/** One answer for a token that is none, and for a link that has ended. */
const noSuchLink = (): FileError => new FileError("not-found", "There is no such link.");

/** Opens links: for whoever has the token and, where there is one, the password. */
export const linkControl = (options: LinkControlOptions): LinkControl => {
  const { shares, tenants, sink, attempts, streams, storages, meter, catchUp, now } = options;

  const principalOf = (share: StoredShare, path: VirtualPath): Principal => ({
    kind: "capability",
    keyId: `link-${share.id}`,
    tenant: undefined,
    subject: { type: "service", id: `link-${share.id}` },
    scopes: ["read"],
    reach: { home: path, bounds: [path] },
    expiresAt: share.expiresAt,
  });

  /** Throws unless the link is alive: active, of a tenant that serves and lets links be. */
  const checkAlive = async (share: StoredShare | undefined): Promise<Living> => {
    if (share === undefined || share.subject !== undefined || share.status !== "active")
      throw noSuchLink();
    const tenant = await tenants.byUid(share.sourceTenant);
    if (tenant === undefined || tenant.settings["allowPublicSharing"] === false) throw noSuchLink();
    const { uid, id, status } = tenant;
    try {
      checkServing({ uid, id, status }, principalOf(share, share.path));
    } catch (error) {
      if (isFileError(error, "unavailable")) throw error;
      throw noSuchLink();
    }
    return { share, tenant };
  };

  const open = async (visit: LinkVisit): Promise<Living & { readonly ctx: Context }> => {
    let living: Living;
    try {
      attempts.check(visit.address, visit.token);
      living = await checkAlive(await shares.byToken(hashToken(visit.token)));
    } catch (error) {
      if (isFileError(error, "rate-limited")) sink.refused(visit.address, "rate-limited");
      if (isFileError(error, "not-found")) {
        attempts.failed(visit.address);
        sink.refused(visit.address, "unauthenticated");
      }
      throw error;
    }
    const { share } = living;
    const draft: AuditDraft = {
      actor: "link",
      key: share.id,
      action: "link.open",
      resource: share.path,
      requestId: visit.requestId,
      front: visit.front,
      detail: {},
    };
    if (
      share.passwordHash !== undefined &&
      !(visit.password !== undefined && (await isPassword(share.passwordHash, visit.password)))
    ) {
      attempts.failed(visit.address);
      sink.denied(share.sourceTenant, draft, "wrong link password");
      throw new FileError("forbidden", "This link needs its password.");
    }
    await catchUp();
    return {
      ...living,
      ctx: {
        signal: visit.signal,
        requestId: visit.requestId,
        now: now(),
        principal: principalOf(share, share.path),
        cut: visit.cut,
        settlement: {
          tenant: share.sourceTenant,
          revisions: [],
          reserved: { bytes: 0, files: 0 },
          audit: draft,
          idempotency: undefined,
        },
        commit: () => Promise.resolve(),
      },
    };
  };

  const lasting = (share: StoredShare): Lasting => ({
    until: share.expiresAt ?? Infinity,
    now: now(),
  });

  const lookAgain = async (id: string): Promise<Lasting> => {
    const share = await shares.get(id);
    // Its uses may be up by now: what began in time goes on.
    const inTime =
      share?.status === "expired" &&
      share.uses >= (share.maxUses ?? Infinity) &&
      (share.expiresAt ?? Infinity) > now();
    const living = await checkAlive(inTime ? { ...share, status: "active" } : share);
    return lasting(living.share);
  };

  /**
   * Asks the storage for what is shared, and again where it was moved meanwhile: another file may lie where it was.
   * `confirm` answers the share as it is after that, or undefined if it has ended.
   */
  const settled = async <R>(
    { id, path: first }: StoredShare,
    ask: (path: VirtualPath) => Promise<R>,
    confirm: () => Promise<StoredShare | undefined>,
    giveUp: (result: R) => PromiseLike<void>,
  ): Promise<R> => {
    let path = first;
    for (let i = 0; i < moves; i++) {
      let result: R;
      try {
        result = await ask(path);
      } catch (error) {
        const now = isFileError(error, "not-found") ? await shares.get(id) : undefined;
        if (now === undefined || now.path === path) throw error;
        ({ path } = now);
        continue;
      }
      try {
        const now = await confirm();
        if (now === undefined || now.status === "revoked") throw noSuchLink();
        if (now.path === path) return result;
        ({ path } = now);
      } catch (error) {
        await giveUp(result);
        throw error;
      }
      await giveUp(result);
    }
    throw new FileError("unavailable", "The file keeps being moved; try again.", {
      fields: { retryAfter: 1 },
    });
  };

  return {
    stat: async (visit) => {
      const { share, tenant, ctx } = await open(visit);
      const place = await options.visit(tenant, { ...ctx, address: visit.address });
      try {
        return await place.run(() =>
          settled(
            share,
            (path) => storages.stat(ctx, path),
            () => shares.get(share.id),
            () => Promise.resolve(),
          ),
        );
      } finally {
        place.end();
      }
    },
    read: async (visit, reading) => {
      const { share, tenant, ctx } = await open(visit);
      let used = false;
      const place = await options.visit(tenant, { ...ctx, address: visit.address });
      try {
        const result = await place.run(() =>
          settled(
            share,
            (path) => storages.read(ctx, path, reading),
            // Opened first, counted after: nothing is used up by what was not there.
            async () => {
              const now = await (used ? shares.get(share.id) : shares.use(share.id));
              used = true;
              return now;
            },
            (each: ReadResult) => each[Symbol.asyncDispose](),
          ),
        );
        const by = { tenant: share.sourceTenant, keyId: share.id, now: ctx.now };
        const recorded = { wanted: async () => auditsReads(tenant), record: options.recordRead };
        const told = readRecord(recorded, ctx, readDetail(result));
        const watched = streams.watch(ctx, metered(meter, by, result, told), lasting(share), () =>
          lookAgain(share.id),
        );
        return await placedRead(watched, place);
      } catch (error) {
        place.end();
        throw error;
      }
    },
  };
};
