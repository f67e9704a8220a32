import {
  type Claim,
  type Control,
  FileError,
  type KeyRecord,
  type Place,
  type Session,
  type TenantRecord,
} from "@bulkhead/contract";
import { append, textBody } from "@bulkhead/kit";
import { mark, type Observed } from "./observed.ts";
import { moves, quotaControl } from "./quota-control.ts";
import { aliceKey, bobKey, contextOf, keyRecord, missing, tenantRecord } from "./records.ts";
import type { RelationWorld } from "./relation-control.ts";

/** Everything that a front calls, over maps. */
export const controlOver = (
  session: Session,
  seen: Observed,
  unready: readonly string[],
  relations: RelationWorld,
  placed: (place: Place) => Place,
): Control => {
  const tenants = new Map<string, TenantRecord>();
  const keys = new Map<string, KeyRecord>();
  const tenant = (id: string): TenantRecord =>
    tenants.get(id) ??
    (() => {
      throw missing();
    })();
  const change = (id: string, patch: Partial<TenantRecord>): TenantRecord => {
    const next = { ...tenant(id), ...patch };
    tenants.set(id, next);
    return next;
  };
  const page = <T>(all: readonly T[], after: string | undefined, limit = 1000) => {
    const from = after === undefined ? 0 : Number(after);
    const items = all.slice(from, from + limit);
    return { items, ...(from + limit < all.length && { next: String(from + limit) }) };
  };
  return {
    ...relations.control,
    ...quotaControl(),
    moves,
    session,
    // Served over the real system, in tests of their own.
    uploads: {
      begin: () => Promise.reject(missing()),
      get: () => Promise.reject(missing()),
      append: () => Promise.reject(missing()),
      end: () => Promise.reject(missing()),
    },
    residency: { verify: async () => ({ items: [] }) },
    directory: {
      list: async () => ({ items: [] }),
      get: () => Promise.reject(missing()),
      put: () => Promise.reject(missing()),
      remove: () => Promise.reject(missing()),
    },
    mounts: {
      list: async () => ({ items: [] }),
      get: () => Promise.reject(missing()),
      plan: () => Promise.reject(missing()),
      apply: () => Promise.reject(missing()),
      remove: () => Promise.reject(missing()),
      rotate: () => Promise.reject(missing()),
    },
    history: {
      versions: async (ctx, path, { after, limit = 1000 } = {}) => {
        const { etag = "", size } = await session.stat(ctx, path);
        const all = ["3", "2", "1"].map((version) => ({
          version,
          kind: version === "2" ? ("remove" as const) : ("write" as const),
          size: version === "2" ? 0 : size,
          modifiedAt: 1_700_000_000_000,
          ...(version !== "2" && { etag }),
          current: version === "3",
        }));
        const from = after === undefined ? 0 : Number(after);
        return {
          entries: all.slice(from, from + limit),
          ...(from + limit < all.length && { next: String(from + limit) }),
        };
      },
      restore: async (ctx, path, version) => {
        if (version !== "1") throw missing();
        mark(seen, ctx.settlement.idempotency);
        return session.write(ctx, path, textBody("restored"));
      },
      changes: async (_ctx, { after, limit = 100, tenant, waitMs = 0, enough }) => {
        const from = after === undefined ? 0 : after === "latest" ? 3 : Number(after);
        if (from >= 3 && waitMs > 0 && enough?.aborted !== true)
          await new Promise<void>((resolve) => {
            const over = setTimeout(resolve, waitMs);
            enough?.addEventListener("abort", () => {
              clearTimeout(over);
              resolve();
            });
          });
        const items = [1, 2, 3].slice(from, from + limit).map((seq) => ({
          seq,
          kind: "move" as const,
          path: `/${tenant ?? "own"}`,
          ...(seq === 2 && { from: "/from", version: "v", etag: "e" }),
          at: 1_700_000_000_000,
        }));
        return { items, next: String(from + items.length) };
      },
    },
    append: (ctx, path, body, options) => append(session, ctx, path, body, options),
    authenticate: async (credential) => {
      seen.credentials.push(credential);
      if (credential.key !== aliceKey && credential.key !== bobKey)
        throw new FileError("unauthenticated", "no");
      if (credential.tenant !== undefined && credential.tenant !== "acme")
        throw new FileError("tenant-mismatch", "Another tenant.");
      return contextOf(credential, credential.key);
    },
    enter: async () =>
      placed({
        rates: [],
        throttle: undefined,
        run: (work) => work(),
        stream: async () => void (seen.streams += 1),
        end: () => void (seen.ended += 1),
      }),
    whoami: async ({ principal }) => ({ principal, tenant: tenantRecord("acme") }),
    keys: {
      mint: async (ctx, { name }) => {
        if (name === "refused") throw new FileError("forbidden", "Not this one.");
        const id = `key${keys.size}`;
        keys.set(id, keyRecord(id, name));
        seen.minted.push(name);
        mark(seen, ctx.settlement.idempotency);
        return { ...keyRecord(id, name), key: `bhk_${id}_secret` };
      },
      get: async (_ctx, id) => keys.get(id) ?? Promise.reject(missing()),
      list: async (_ctx, { after, limit }) => page([...keys.values()], after, limit),
      narrow: async (_ctx, id, patch) => ({
        ...keyRecord(id, patch.name ?? id),
        expiresAt: patch.expiresAt ?? null,
      }),
      revoke: async (_ctx, id) => void keys.delete(id),
      rotate: async (_ctx, id, overlapMs) => ({
        ...keyRecord(`${id}-after-${overlapMs}`, id),
        key: "bhk_new",
      }),
    },
    tenants: {
      create: async (_ctx, { id }) => {
        if (tenants.has(id)) throw new FileError("already-exists", "There is one.");
        tenants.set(id, tenantRecord(id));
        return tenantRecord(id);
      },
      get: async (_ctx, id) => tenant(id),
      list: async (_ctx, { after, limit }) => page([...tenants.values()], after, limit),
      patch: async (_ctx, id, { name }) => change(id, name === undefined ? {} : { name }),
      suspend: async (_ctx, id, reason) =>
        change(id, { status: "suspended", suspensionReason: reason ?? null }),
      reactivate: async (_ctx, id) => change(id, { status: "active" }),
      remove: async (_ctx, id, confirm, graceMs) => {
        if (confirm !== id)
          throw new FileError("confirmation-required", "Say so.", {
            fields: { counts: { files: 3 } },
          });
        return { job: `job-${graceMs}` };
      },
    },
    jobs: {
      get: async (_ctx, id) => ({
        id,
        kind: "remove",
        tenant: "acme",
        state: "queued",
        attempts: 0,
        progress: {},
        result: null,
        error: null,
        createdAt: 1_700_000_000_000,
        updatedAt: 1_700_000_000_000,
      }),
    },
    audit: {
      verify: () => Promise.reject(missing()),
      list: async (_ctx, query) =>
        page(
          [0, 1, 2].map((n) => ({
            id: String(n),
            at: query.since ?? 1_700_000_000_000,
            tenant: query.tenant ?? null,
            actor: query.actor ?? "service:x",
            key: "k",
            action: query.action ?? "write",
            resource: "/workspace/acme/a",
            result: query.result ?? "SUCCESS",
            requestId: "r",
            front: "http",
            detail: {},
          })),
          query.after,
          query.limit,
        ),
    },
    bills: { get: () => Promise.reject(missing()) },
    health: {
      tenants: async () => ({
        totalTenants: 2,
        byPlan: { none: 2 },
        byStatus: { active: 2 },
        totalUsers: 3,
        totalBytes: 5,
        above80: 0,
        avgUsersPerTenant: 1.5,
        avgBytesPerTenant: 3,
        failingMounts: 0,
      }),
    },
    usage: {
      over: async (_ctx, tenant, { from = 0, to = 3_600_000, by = "hour" }) => ({
        tenant,
        from,
        to,
        by,
        spans: [],
      }),
    },
    metering: { count: () => undefined },
    idempotency: {
      claim: async (ctx, route, key, digest): Promise<Claim> => {
        const id = `${ctx.principal.keyId} ${route} ${key}`;
        const row = seen.claims.get(id);
        if (row === undefined) {
          seen.claims.set(id, { state: "new", id, ...(digest !== undefined && { digest }) });
          return { state: "new", id };
        }
        if (digest !== undefined && row.digest !== undefined && row.digest !== digest)
          throw new FileError("idempotency-mismatch", "Another body.");
        if (row.state === "answered" && row.answer !== undefined)
          return { state: "answered", answer: row.answer, digest: row.digest };
        if (row.state === "committed") return { state: "committed", id, digest: row.digest };
        throw new FileError("idempotency-in-flight", "It runs.");
      },
      answer: async (_ctx, id, digest, answer) =>
        void seen.claims.set(id, { state: "answered", id, digest, answer }),
      release: async (_ctx, id) => void seen.claims.delete(id),
    },
    unready: async () => unready,
  };
};
