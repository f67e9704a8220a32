import {
  type AuditDraft,
  type Context,
  type Credential,
  FileError,
  isFileError,
  type Principal,
  unauthenticated,
} from "@bulkhead/contract";
import { denialOf } from "./audit.ts";
import { checkServing } from "./decision.ts";
import { checkHere, type Elsewhere } from "./elsewhere.ts";
import { mismatch, subdomainAgrees, type Subdomains } from "./subdomains.ts";
import { narrow } from "./narrow.ts";
import { namedNamespace } from "./acting.ts";
import type { FailedAttempts } from "./rates/failed-attempts.ts";
import type { Admission, Authority, DenialSink, TenantStore } from "./ports.ts";

export interface AuthenticateOptions {
  readonly authority: Authority;
  readonly sink: DenialSink;
  readonly attempts: FailedAttempts;
  readonly tenants: Pick<TenantStore, "get">;
  readonly subdomains: Subdomains;
  readonly elsewhere: Pick<Elsewhere, "addressOf">;
}

type Actor = Pick<Principal, "kind" | "subject" | "tenant" | "holder">;

/** Who did it; with the name of who holds the key, where that is another. */
export const actorOf = ({ kind, subject, tenant, holder }: Actor): string => {
  const own =
    kind === "platform"
      ? "platform"
      : `${subject.type}:${subject.id}${tenant === undefined ? "" : `@${tenant.id}`}`;
  return holder === undefined ? own : `${own} by ${actorOf(holder)}`;
};

/** An open audit entry for what `principal` does in one request. */
const draftFor = (credential: Credential, principal: Principal): AuditDraft => ({
  actor: actorOf(principal),
  key: principal.keyId,
  action: "authenticate",
  resource: credential.workspacePrefix ?? "/",
  requestId: credential.requestId,
  front: credential.front,
  detail: {},
});

/**
 * Turns what a front read into a context. Identity comes from the key and from nothing else: a tenant that is named
 * beside it has to agree, a prefix can only narrow.
 */
export const authenticate = ({
  authority,
  sink,
  tenants,
  attempts,
  subdomains,
  elsewhere,
}: AuthenticateOptions): ((credential: Credential) => Promise<Context>) => {
  const subdomainOk = subdomainAgrees(subdomains, elsewhere);
  return async (credential) => {
    const admitted = await admit(authority, sink, attempts, elsewhere, credential);
    let admission = admitted;
    const draft = draftFor(credential, admitted.principal);
    try {
      await agree(tenants, elsewhere, admitted.principal, credential.tenant);
      const { principal: bearer, revisions } = admitted;
      const below = await subdomainOk(bearer, revisions, credential.subdomain);
      if (below !== undefined && credential.tenant !== undefined && below !== credential.tenant)
        throw new FileError("tenant-mismatch", "The request names two tenants.");
      const { workspacePrefix, as } = credential;
      const named = namedNamespace(credential);
      if (named !== undefined && credential.tenant !== undefined && named !== credential.tenant)
        throw new FileError("tenant-mismatch", "The request names two tenants.");
      if (as !== undefined) {
        draft.detail = { as, ...(named !== undefined && { namespace: named }) };
        admission = await authority.actFor(admitted, as, named ?? credential.tenant);
        draft.actor = actorOf(admission.principal);
        draft.detail = {};
      } else if (named !== undefined) await agree(tenants, elsewhere, admitted.principal, named);
      const principal =
        workspacePrefix === undefined
          ? admission.principal
          : narrow(admission.principal, workspacePrefix);
      return {
        signal: credential.signal,
        requestId: credential.requestId,
        now: admission.now,
        principal,
        drawn: new Set(),
        cut: credential.cut,
        settlement: {
          tenant: principal.tenant?.uid,
          revisions: admission.revisions,
          ...(admission.nearby && { nearby: admission.nearby }),
          reserved: { bytes: 0, files: 0 },
          audit: draft,
          idempotency: undefined,
        },
        // The fence asks again at each commit; where there is no policy there is nothing to ask.
        commit: () => Promise.resolve(),
      };
    } catch (error) {
      const reason = denialOf(error);
      if (reason !== undefined) sink.denied(admission.principal.tenant?.uid, draft, reason);
      throw error;
    }
  };
};

const admit = async (
  authority: Authority,
  sink: DenialSink,
  attempts: FailedAttempts,
  elsewhere: AuthenticateOptions["elsewhere"],
  { key, address, tenant, subdomain }: Credential,
): Promise<Admission> => {
  try {
    attempts.check(address, key);
    if (key === undefined) throw unauthenticated();
    const admitted = await authority.admit(key);
    attempts.good(key);
    return admitted;
  } catch (error) {
    if (isFileError(error, "rate-limited")) sink.refused(address, "rate-limited");
    if (isFileError(error, "unauthenticated")) {
      sink.refused(address, "unauthenticated");
      // A key of another region's server is nobody's here. Who sends none is told nothing, and who guesses runs dry.
      if (key !== undefined && (tenant !== undefined || subdomain !== undefined))
        await checkHere(elsewhere, { tenant, subdomain });
      attempts.failed(address);
    }
    throw error;
  }
};

const agree = async (
  tenants: Pick<TenantStore, "get">,
  elsewhere: AuthenticateOptions["elsewhere"],
  principal: Principal,
  named: string | undefined,
): Promise<void> => {
  if (named === undefined) return;
  if (principal.kind !== "platform") {
    // One answer for every other name, so that nobody learns which tenants exist.
    if (named !== principal.tenant?.id) throw mismatch();
    return;
  }
  const tenant = await tenants.get(named);
  if (tenant === undefined) {
    await checkHere(elsewhere, { tenant: named });
    throw new FileError("not-found", "There is no such tenant.");
  }
  checkServing(tenant, { ...principal, kind: "identity" });
};
