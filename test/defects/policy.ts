import type { Defect } from "./defect.ts";

/** Who may do what. */
export const policy: readonly Defect[] = [
  {
    name: "destination-unchecked",
    breaks: "A copy needs the right to write where it lands.",
    file: "packages/kit/src/guard.ts",
    before: `copy: { mutates: true, idempotent: false, accesses: [["read"], ["write"]] },`,
    after: `copy: { mutates: true, idempotent: false, accesses: [["read"], ["read"]] },`,
    suites: ["packages/kit/src/layers.test.ts", "packages/engine/src/authorize.test.ts"],
  },
  {
    name: "move-takes-without-right",
    breaks: "A move needs the right to take its source away.",
    file: "packages/kit/src/guard.ts",
    before: `accesses: [["read", "delete"], ["write"]] },`,
    after: `accesses: [["read"], ["write"]] },`,
    suites: ["packages/kit/src/layers.test.ts", "packages/engine/src/authorize.test.ts"],
  },
  {
    name: "scope-of-removal",
    breaks: "Removing needs the scope 'write'.",
    file: "packages/policy/src/decision.ts",
    before: `const scopeFor = { read: "read", write: "write", delete: "write" }`,
    after: `const scopeFor = { read: "read", write: "write", delete: "read" }`,
    suites: [
      "packages/policy/src/decision.test.ts",
      "test/isolation/less-and-less.test.ts",
      "test/isolation/isolation.test.ts",
    ],
  },
  {
    name: "suspended-goes-on",
    breaks: "Of a suspended tenant nothing is served to its keys.",
    file: "packages/policy/src/decision.ts",
    before: `      throw new FileError(
        "tenant-suspended",
        "This tenant is suspended; its data is kept. Ask the operator.",
      );`,
    after: `      return;`,
    suites: [
      "packages/policy/src/decision.test.ts",
      "test/processes/tenants.test.ts",
      "test/tutorials/saas-tenants.test.ts",
    ],
  },
  {
    name: "named-tenant-ignored",
    breaks: "A tenant that a request names has to be the key's.",
    file: "packages/policy/src/authenticate.ts",
    before: `if (named !== principal.tenant?.id) throw mismatch();`,
    after: ``,
    suites: [
      "packages/engine/src/open-engine.test.ts",
      "test/isolation/isolation.test.ts",
      "test/tutorials/concept-isolation.test.ts",
    ],
  },
  {
    name: "guesses-uncounted",
    breaks: "Who fails to say who it is runs dry.",
    file: "packages/policy/src/authenticate.ts",
    before: `      attempts.failed(address);`,
    after: ``,
    suites: ["packages/policy/src/once-more.test.ts"],
  },
  {
    name: "refusal-unrecorded",
    breaks: "The attempt to leave one's bounds is on record.",
    file: "packages/policy/src/audit.ts",
    before: `      if (reason !== undefined && draft !== undefined)
        sink.denied(ctx.principal.tenant?.uid, draft, reason);`,
    after: ``,
    suites: [
      "packages/engine/src/open-engine.test.ts",
      "test/isolation/isolation.test.ts",
      "packages/ledger/src/audit.test.ts",
    ],
  },
  {
    name: "moved-out-of-a-tenant",
    breaks: "No tenant's key moves files from one tenant to another.",
    file: "packages/policy/src/tenant-gate.ts",
    before: `if (tenantOf(from) !== tenantOf(to))`,
    after: `if (tenantOf(from) === undefined)`,
    suites: [
      "packages/policy/src/tenant-gate.test.ts",
      "packages/engine/src/across-tenants.test.ts",
    ],
  },
  {
    name: "room-told-to-strangers",
    breaks: "No number of another tenant is in any answer.",
    file: "packages/policy/src/tenant-gate.ts",
    before: `if (!isFileError(error, "quota-exceeded")) return error;`,
    after: `if (isFileError(error, "quota-exceeded")) return error;`,
    suites: [
      "packages/policy/src/tenant-gate.test.ts",
      "packages/engine/src/shares.test.ts",
      "test/tutorials/limits-on-storages.test.ts",
    ],
  },
  {
    name: "removed-read-by-successors",
    breaks: "Who may read a file that is made again does not read what lay there before.",
    file: "packages/policy/src/past.ts",
    before: `if (!seesAll(ctx, path) && !(await present(ctx, path)).has(version)) throw noSuchVersion();`,
    after: ``,
    suites: ["packages/policy/src/once-more.test.ts"],
  },
  {
    name: "scopes-beyond-the-minter",
    breaks: "A key mints no key with a scope that it does not carry.",
    file: "packages/policy/src/control/keys.ts",
    before: `if (!principal.scopes.includes(scope))`,
    after: `if (scope === undefined)`,
    suites: [
      "packages/engine/src/open-engine.test.ts",
      "test/isolation/less-and-less.test.ts",
      "test/tutorials/concept-keys.test.ts",
    ],
  },
  {
    name: "bounds-beyond-the-minter",
    breaks: "A key mints no key with bounds outside its own.",
    file: "packages/policy/src/control/keys.ts",
    before: `if (bound !== undefined && !covers(principal, bound.prefix)) throw outsideWorkspace();`,
    after: ``,
    suites: [
      "packages/engine/src/open-engine.test.ts",
      "test/isolation/less-and-less.test.ts",
      "test/tutorials/concept-keys.test.ts",
    ],
  },
  {
    name: "life-beyond-the-minter",
    breaks: "A key mints no key that outlives it.",
    file: "packages/policy/src/control/keys.ts",
    before: `if (principal.expiresAt !== undefined && input.expiresAt > principal.expiresAt)`,
    after: `if (principal.expiresAt !== undefined && input.expiresAt < principal.expiresAt)`,
    suites: [
      "packages/engine/src/open-engine.test.ts",
      "test/isolation/less-and-less.test.ts",
      "test/tutorials/concept-keys.test.ts",
    ],
  },
  {
    name: "keys-of-other-tenants",
    breaks: "A tenant's admin sees and ends no key of another tenant.",
    file: "packages/policy/src/control/keys.ts",
    before: `if (record.tenant === null || record.tenant !== principal.tenant?.id) return false;`,
    after: `if (record.tenant === null) return false;`,
    suites: ["packages/policy/src/once-more.test.ts"],
  },
  {
    name: "other-tenants-records",
    breaks:
      "Another tenant's record, limits and usage answer as those of a tenant that is not there.",
    file: "packages/policy/src/control/visible-tenant.ts",
    before: `if (principal.tenant?.id !== id) throw noSuchTenant();`,
    after: ``,
    suites: ["packages/policy/src/once-more.test.ts"],
  },
  {
    name: "limits-set-by-tenants",
    breaks: "A tenant does not set its own limits.",
    file: "packages/policy/src/control/quota.ts",
    before: `        if (ctx.principal.kind !== "platform")
          throw new FileError("forbidden", "Limits are the platform's to change.");`,
    after: ``,
    suites: ["test/tutorials/plans-and-quotas.test.ts", "test/isolation/isolation.test.ts"],
  },
  {
    name: "jobs-of-other-tenants",
    breaks: "A job is shown to the tenant whose it is.",
    file: "packages/policy/src/control/records.ts",
    before: `const own = job?.tenantUid !== undefined && job.tenantUid === ctx.principal.tenant?.uid;`,
    after: `const own = job?.tenantUid !== undefined;`,
    suites: [
      "packages/engine/src/open-engine.test.ts",
      "test/isolation/isolation.test.ts",
      "test/tutorials/concept-isolation.test.ts",
    ],
  },
  {
    name: "audit-of-other-tenants",
    breaks: "A tenant's audit log is shown to that tenant alone.",
    file: "packages/policy/src/control/records.ts",
    before: `      if (named !== undefined && named !== principal.tenant?.id)
        throw new FileError("tenant-mismatch", "The tenant named by the request is not the key's.");
      const own = principal.tenant && (await tenants.get(principal.tenant.id));
      checkWholeTenant(principal, own?.roots ?? []);
      return principal.tenant?.uid;
    }
    if (named === undefined) return undefined;`,
    after: `      const own = principal.tenant && (await tenants.get(principal.tenant.id));
      checkWholeTenant(principal, own?.roots ?? []);
    }
    if (named === undefined) return principal.tenant?.uid;`,
    suites: [
      "packages/engine/src/open-engine.test.ts",
      "test/isolation/isolation.test.ts",
      "test/tutorials/concept-isolation.test.ts",
    ],
  },
  {
    name: "granting-more-than-one-has",
    breaks: "A grant gives no more than the caller's key has.",
    file: "packages/policy/src/relations/may-grant.ts",
    before: `if ((scoped(principal, mask) & wanted) !== wanted)`,
    after: `if ((mask & wanted) !== wanted)`,
    suites: [
      "packages/engine/src/relation-control.test.ts",
      "test/tutorials/concept-relations.test.ts",
    ],
  },
  {
    name: "granting-without-share",
    breaks: "Who grants can share the object now.",
    file: "packages/policy/src/relations/may-grant.ts",
    before: `if ((mask & can_share) === 0) throw forbidden("Who grants must be able to share the object.");`,
    after: ``,
    suites: [
      "packages/engine/src/relation-control.test.ts",
      "test/tutorials/concept-relations.test.ts",
    ],
  },
  {
    name: "relations-of-others-shown",
    breaks: "Who cannot see all relations sees what it could take back, and what names it.",
    file: "packages/policy/src/relations/visible.ts",
    before: `return (mask & permissionBits.can_share) !== 0;`,
    after: `return (mask & permissionBits.can_share) === 0 || mask !== 0;`,
    suites: [
      "packages/engine/src/relation-control.test.ts",
      "test/isolation/relations-leaks.test.ts",
    ],
  },
  {
    name: "shared-root-taken-away",
    breaks: "What was shared is not moved or removed where it is found.",
    file: "packages/policy/src/shares.ts",
    before: `if (isThrough(place) && place.isRoot) throw rooted();`,
    after: ``,
    suites: ["packages/engine/src/shares.test.ts"],
  },
  {
    name: "link-without-password",
    breaks: "A link with a password opens with that password.",
    file: "packages/policy/src/control/links.ts",
    before: `!(visit.password !== undefined && (await isPassword(share.passwordHash, visit.password)))`,
    after: `visit.password === undefined`,
    suites: ["packages/engine/src/shares.test.ts", "packages/front-http/src/relations.test.ts"],
  },
  {
    name: "shares-give-everything",
    breaks:
      "Behind a share a key has what the share's relation gives, not its own prefix's rights.",
    file: "packages/engine/src/entering.ts",
    before: `verdict: (path) => (isBehind(path) ? behind.verdict(path) : whole),`,
    after: `verdict: () => whole,`,
    suites: ["packages/engine/src/shares.test.ts"],
  },
  {
    name: "part-reaches-abroad",
    breaks: "Relations of other tenants reach no key that is bound to a part of its own.",
    file: "packages/engine/src/authority.ts",
    before: `isWhole(principal) ? stood : { ...stood, foreign: [] }`,
    after: `stood`,
    suites: ["packages/engine/src/across-tenants.test.ts", "packages/engine/src/authorize.test.ts"],
  },
  {
    name: "minter-no-longer-admin",
    breaks: "What an admin minted ends with its being one.",
    file: "packages/engine/src/authority.ts",
    before: `for (const id of mintedBy ?? []) await checkMinter(id, tenant, revision, now);`,
    after: ``,
    suites: [
      "packages/engine/src/authorize.test.ts",
      "packages/engine/src/relation-control.test.ts",
    ],
  },
  {
    name: "metrics-for-everybody",
    breaks: "Off this machine metrics are for the platform's key.",
    file: "packages/front-http/src/routes/metrics.ts",
    before: `if (principal.kind !== "platform")`,
    after: `if (principal.kind === undefined)`,
    suites: ["test/tutorials/saas-health.test.ts"],
  },
  {
    name: "cursor-of-another",
    breaks: "A cursor continues the list of the one whom it was given to.",
    file: "packages/front-http/src/cursor.ts",
    before: `      tenant?.uid ?? null,
      keyId,
      subject.type,
      subject.id,
      reach.home,
      list,`,
    after: `      list,`,
    suites: ["packages/front-http/src/api.test.ts", "packages/front-http/src/places.test.ts"],
  },
  {
    name: "cursor-unverified",
    breaks: "A cursor that this server did not sign is refused.",
    file: "packages/front-http/src/cursor.ts",
    before: `keys.some((key) => timingSafeEqual(mac(key, ctx, list, payload), given));`,
    after: `given.length === macBytes;`,
    suites: ["packages/front-http/src/api.test.ts", "packages/front-http/src/places.test.ts"],
  },
  {
    name: "replayed-to-a-narrower-key",
    breaks: "An answer is given again only for the same target, subject, bounds and scopes.",
    file: "packages/front-http/src/idempotent.ts",
    before: `JSON.stringify([target, subject, reach, scopes.toSorted()])`,
    after: `JSON.stringify([target])`,
    suites: ["packages/front-http/src/api.test.ts", "packages/front-http/src/relations.test.ts"],
  },
];
