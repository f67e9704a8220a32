import {
  type Context,
  type Control,
  type EffectiveRates,
  FileError,
  isFileError,
  type Place,
  type RateLimits,
  type RateState,
} from "@bulkhead/contract";
import type { Admittance } from "../admission.ts";
import type { DenialSink } from "../ports.ts";
import type { Drawing, NamedBucket } from "../rates/drawing.ts";
import { bucketsOf, effectiveRates } from "../rates/limits-of.ts";
import type { RatedTenant, TenantFacts } from "../rates/tenant-facts.ts";
import type { throttles } from "../rates/throttles.ts";

export interface EntranceOptions {
  readonly admittance: Admittance;
  readonly drawing: Pick<Drawing, "draw" | "refund" | "look">;
  readonly throttle: ReturnType<typeof throttles>;
  readonly tenantFacts: TenantFacts;
  /** What holds for tenants that have no limits of their own. */
  readonly defaults: RateLimits;
  readonly sink: Pick<DenialSink, "refused">;
  /** Runs work so that what all tenants use is shared out to it as the owner's part. */
  readonly onBehalfOf: <R>(owner: string, work: () => R) => R;
}

/** What of a request the entrance has to know. */
type Asking = Pick<Context, "signal" | "now"> & { readonly address: string };

/** Where requests come in: limits first, so that what is refused stands in nobody's way, then a place. */
export interface Entrance {
  readonly enter: Control["enter"];
  /** The same for a visitor without a key, who counts as the tenant whose link it is. */
  readonly visit: (tenant: RatedTenant, asking: Asking) => Promise<Place>;
  /** Draws from another tenant's limit for what a request reaches of it: once a request. */
  readonly through: (ctx: Context, uid: string) => Promise<void>;
  /** What a request would be counted against; takes nothing. */
  readonly look: (ctx: Context) => Promise<readonly RateState[]>;
  /** What holds for the caller's tenant. */
  readonly limits: (ctx: Context) => Promise<EffectiveRates | undefined>;
}

/** Whose limits a request draws from: none where the platform's key asks, for whomever. */
const ratedOf = ({ principal }: Context): string | undefined =>
  principal.kind === "platform" || principal.holder?.kind === "platform"
    ? undefined
    : principal.tenant?.uid;

/** Tells no number of another tenant. */
const busyOwner = (retryAfter: number | undefined): FileError =>
  new FileError("rate-limited", "What was shared is in too much demand; try again later.", {
    fields: retryAfter === undefined ? {} : { retryAfter },
  });

/** Makes the entrance: rates, then admission. */
export const entrance = (options: EntranceOptions): Entrance => {
  const { admittance, drawing, throttle, tenantFacts, defaults, sink, onBehalfOf } = options;

  const factsOf = async (ctx: Context): Promise<RatedTenant | undefined> => {
    const uid = ratedOf(ctx);
    return uid === undefined ? undefined : tenantFacts(uid, ctx.settlement.revisions);
  };
  const effective = (tenant: RatedTenant): EffectiveRates =>
    effectiveRates(defaults, tenant.rateLimits);
  const bucketsFor = (tenant: RatedTenant | undefined, keyId?: string): readonly NamedBucket[] =>
    tenant === undefined ? [] : bucketsOf(tenant, effective(tenant), keyId);

  const placed = async (
    owner: string,
    tenant: RatedTenant | undefined,
    keyId: string | undefined,
    { signal, now, address }: Asking,
  ): Promise<Place> => {
    const buckets = bucketsFor(tenant, keyId);
    let rates: readonly RateState[];
    try {
      rates = await drawing.draw(buckets, now);
    } catch (error) {
      if (isFileError(error, "rate-limited")) sink.refused(address, "rate-limited");
      throw error;
    }
    const perSecond = tenant === undefined ? null : effective(tenant).bytesPerSecond;
    try {
      const { stream, end } = await admittance.enter(owner, signal);
      return {
        rates,
        throttle:
          tenant === undefined || perSecond === null
            ? undefined
            : throttle(tenant.uid, perSecond, signal),
        run: (work) => onBehalfOf(owner, work),
        stream,
        end,
      };
    } catch (error) {
      drawing.refund(buckets, now);
      throw error;
    }
  };

  return {
    enter: async (ctx, address) => {
      const { principal, signal, now } = ctx;
      const tenant = await factsOf(ctx);
      const owner = principal.tenant?.uid ?? "platform";
      return placed(owner, tenant, principal.keyId, { signal, now, address });
    },
    visit: (tenant, asking) => placed(tenant.uid, tenant, undefined, asking),
    through: async (ctx, uid) => {
      const { drawn } = ctx;
      if (drawn === undefined || ratedOf(ctx) === undefined || drawn.has(uid)) return;
      drawn.add(uid);
      const tenant = await tenantFacts(uid, ctx.settlement.revisions);
      try {
        await drawing.draw(
          bucketsFor(tenant).filter(({ name }) => name === "tenant"),
          ctx.now,
        );
      } catch (error) {
        throw isFileError(error, "rate-limited") ? busyOwner(error.fields.retryAfter) : error;
      }
    },
    look: async (ctx) => drawing.look(bucketsFor(await factsOf(ctx), ctx.principal.keyId), ctx.now),
    limits: async (ctx) => {
      const tenant = await factsOf(ctx);
      return tenant && effective(tenant);
    },
  };
};
