import {
  type Context,
  type Explain,
  type ExplainInput,
  type ExplainStep,
  type Explanation,
  FileError,
  isFileError,
  type Operation,
  parseRequestPath,
  type Principal,
  type RateState,
  type RequestPath,
  type VirtualPath,
} from "@bulkhead/contract";
import { type Call, callOf } from "@bulkhead/kit";
import { actorOf } from "../authenticate.ts";
import { checkScope, type Decision, withinBounds } from "../decision.ts";
import { rooted } from "../shares.ts";
import { reachAll, relationsAllow } from "../relations-allow.ts";
import type { Relations, SubjectRef } from "../ports-relations.ts";
import type { Authority } from "../ports.ts";
import type { QuotaStore } from "../ports-quota.ts";
import { explainQuota } from "../quota/explain-quota.ts";
import { type AtStorage, askStorage, checkMounts } from "../relations/at-storage.ts";
import { reasonsFor } from "../relations/reasons.ts";
import type { Audited } from "./audited.ts";

/** A request as it goes on behind a share. */
export interface Behind {
  readonly ctx: Context;
  readonly paths: readonly VirtualPath[];
  /** True for a look at a directory that the caller sees for the shares below it. */
  readonly leads?: boolean;
  /** True where the caller sees a directory for the shares below it, that it would take away. */
  readonly holds?: boolean;
  /** Of the shares it went through. */
  readonly shares: readonly { readonly id: string; readonly owner: string }[];
}

export interface ExplainControlOptions extends AtStorage {
  readonly authority: Pick<Authority, "actFor">;
  readonly audited: Audited;
  readonly relations: Relations;
  /** What the request would be counted against; takes nothing. */
  readonly rates: (ctx: Context) => Promise<readonly RateState[]>;
  readonly place: (ctx: Context, path: RequestPath) => VirtualPath;
  /** True for a directory above the bounds: looking there is answered from the bounds alone. */
  readonly leadsToBounds: (ctx: Context, path: RequestPath) => boolean;
  readonly through: (
    ctx: Context,
    operation: Operation,
    paths: readonly VirtualPath[],
  ) => Promise<Behind>;
  readonly tenantsServe: Decision;
  readonly scopesAllow: Decision;
  readonly groundAllows: Decision;
  readonly tenantAt: (path: VirtualPath) => string | undefined;
  readonly quota: Pick<QuotaStore, "of">;
  readonly writeSubject: (subject: SubjectRef) => Promise<string>;
}

type Name = ExplainStep["step"];
const order: readonly Name[] = [
  "path",
  "rate",
  "bounds",
  "share",
  "tenant",
  "scopes",
  "relations",
  "quota",
  "mount",
  "backend",
];

interface Said extends Pick<ExplainStep, "outcome" | "detail" | "facts"> {
  /** What the request would be refused with. */
  readonly code?: FileError["code"];
}
const allowed = (detail: string, facts?: ExplainStep["facts"]): Said => ({
  outcome: "allowed",
  detail,
  ...(facts && { facts }),
});
const denied = ({ detail, code }: FileError, facts?: ExplainStep["facts"]): Said => ({
  outcome: "denied",
  detail,
  code,
  ...(facts && { facts }),
});
const skipped = (detail: string): Said => ({ outcome: "skipped", detail });

const rated = (rates: readonly RateState[]): Said => {
  const facts = { rates };
  const [empty] = rates.filter(({ remaining }) => remaining < 1);
  if (empty !== undefined)
    return {
      outcome: "denied",
      detail: `The limit '${empty.name}' of ${empty.limit} requests is used up for ${empty.resetSeconds} s.`,
      code: "rate-limited",
      facts,
    };
  const left = rates.map(({ name, remaining, limit }) => `${name} ${remaining} of ${limit}`);
  return left.length === 0
    ? skipped("No rate limit is set.")
    : allowed(`Requests are left: ${left.join(", ")}.`, facts);
};

const isLook = (operation: Operation): boolean => operation === "stat" || operation === "list";

/** Answers what a request would get, and why: each question is asked of what answers it for the request itself. */
export const explainControl = (options: ExplainControlOptions): Explain => {
  const { relations, place, through, storedAt, statAt } = options;
  const judgeQuota = explainQuota(options);

  const reasons = reasonsFor(options.writeSubject);

  /** What is not there is not found by those who may not remove it, either. */
  const missing = async (
    ctx: Context,
    call: Call<VirtualPath>,
    refusal: FileError,
  ): Promise<FileError> => {
    if (refusal.code !== "forbidden") return refusal;
    try {
      for (const { path, access } of call.touches) if (access === "delete") await statAt(ctx, path);
      return refusal;
    } catch (error) {
      return isFileError(error) ? error : refusal;
    }
  };

  const askRelations = async (
    ctx: Context,
    caller: Principal,
    call: Call<VirtualPath>,
    holds: boolean,
  ): Promise<Said> => {
    const { principal } = ctx;
    const { tenant, subject, standing } = principal;
    if (standing === undefined && principal.kind !== "identity")
      return allowed(
        principal.kind === "platform"
          ? "The platform's key needs no relation."
          : "Within its prefix the key holds what its scopes say.",
      );
    await reachAll(principal, call.paths);
    const facts: Readonly<Record<string, unknown>>[] = [];
    for (const touch of call.touches) {
      const uid = options.tenantAt(touch.path);
      if (uid === undefined || tenant === undefined || subject.type === "group") continue;
      const of = await relations.of({ tenant: tenant.uid, ...subject }, uid, {
        now: ctx.now,
        revisions: ctx.settlement.revisions,
      });
      facts.push(await reasons(caller, uid, of, touch));
    }
    try {
      relationsAllow(principal, call);
      return allowed("Relations give it.", { touches: facts });
    } catch (error) {
      if (!isFileError(error)) throw error;
      const refusal = await missing(ctx, call, error);
      return denied(holds && refusal.code === "not-found" ? rooted() : refusal, {
        touches: facts,
      });
    }
  };

  const explain = async (ctx: Context, input: ExplainInput): Promise<Explanation> => {
    const { operation } = input;
    const who: Context =
      input.subject === undefined
        ? ctx
        : {
            ...ctx,
            principal: (
              await options.authority.actFor(
                { principal: ctx.principal, revisions: ctx.settlement.revisions, now: ctx.now },
                input.subject,
                undefined,
              )
            ).principal,
          };
    let raw: readonly RequestPath[] = [];
    let paths: readonly VirtualPath[] = [];
    let above = false;
    let behind: Behind = { ctx: who, paths, shares: [] };
    const call = (): Call<VirtualPath> => callOf(operation, ...behind.paths);
    const questions: Readonly<Record<Name, () => Said | Promise<Said>>> = {
      path: () => {
        const two = operation === "copy" || operation === "move";
        if (two && input.to === undefined)
          throw new FileError("invalid-request", "A copy or move names where to.");
        raw = [input.path, ...(two && input.to !== undefined ? [input.to] : [])].map(
          parseRequestPath,
        );
        return allowed("The path is well-formed.", { paths: raw });
      },
      rate: async () => rated(await options.rates(who)),
      bounds: () => {
        const [path] = raw;
        above = isLook(operation) && path !== undefined && options.leadsToBounds(who, path);
        if (above) return allowed("It leads to what the key reaches, and shows no more than that.");
        paths = raw.map((path) => place(who, path));
        withinBounds(who.principal, callOf(operation, ...paths));
        return allowed("The key reaches it.", { paths, bounds: who.principal.reach.bounds });
      },
      share: async () => {
        behind = await through(who, operation, paths);
        if (behind.leads === true) {
          above = true;
          return allowed("It leads to what was shared, and shows no more than that.", { paths });
        }
        if (behind.shares.length === 0) return skipped("No share leads there.");
        return allowed("It lies behind a share, and its owner's rules apply.", {
          shares: behind.shares,
          paths: behind.paths,
        });
      },
      tenant: () => {
        options.tenantsServe(behind.ctx.principal, call());
        return allowed("The tenants concerned are active.");
      },
      scopes: () => {
        if (above) checkScope(who.principal, "read");
        options.scopesAllow(behind.ctx.principal, call());
        return allowed("The key carries the scopes.", { scopes: who.principal.scopes });
      },
      relations: () =>
        above
          ? skipped("It is answered without them.")
          : askRelations(behind.ctx, ctx.principal, call(), behind.holds === true),
      quota: async () => {
        if (isLook(operation) || operation === "read" || above) return skipped("It adds nothing.");
        const { error, detail, facts } = await judgeQuota(ctx, behind.ctx, call(), input.size);
        return error === undefined ? allowed(detail, facts) : denied(error, facts);
      },
      mount: () => {
        options.groundAllows(behind.ctx.principal, call());
        const places = behind.paths.map((path) => {
          const { mount, readOnly, runnersUp } = storedAt(path);
          return { path, mount, readOnly, runnersUp };
        });
        checkMounts(operation, behind.paths.map(storedAt));
        if (above) return skipped("No storage is asked.");
        return allowed("A storage serves it.", { places });
      },
      backend: () => {
        const [path, to] = behind.paths;
        return path === undefined || above
          ? skipped("No storage is asked.")
          : askStorage(options, behind.ctx, operation, path, to);
      },
    };

    const answer = async (step: Name): Promise<Said> => {
      try {
        return await questions[step]();
      } catch (error) {
        if (!isFileError(error)) throw error;
        return denied(behind.holds === true && error.code === "not-found" ? rooted() : error);
      }
    };
    const steps: ExplainStep[] = [];
    let code: FileError["code"] | undefined;
    for (const step of order) {
      const { code: refusal, ...said } =
        code === undefined ? await answer(step) : skipped("Refused before.");
      code ??= refusal;
      steps.push({ step, ...said });
    }
    // Whose key asks for it is of no matter here.
    const { holder: _, ...judged } = who.principal;
    return {
      decision: code === undefined ? "allowed" : "denied",
      ...(code !== undefined && { code }),
      steps,
      subject: actorOf(judged),
      ...(who.principal.tenant !== undefined && { tenantStatus: who.principal.tenant.status }),
    };
  };

  return {
    explain: (ctx, input) =>
      options.audited(ctx, "explain", input.path, async () => {
        checkScope(ctx.principal, "read");
        return explain(ctx, input);
      }),
  };
};
