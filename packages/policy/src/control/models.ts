import { type Context, FileError, type ModelControl, type Settlement } from "@bulkhead/contract";
import { checkScope } from "../decision.ts";
import type { ModelLanguage, Models } from "../ports-models.ts";
import type { Authority, TenantStore } from "../ports.ts";
import { decidingAgain } from "../relations/again.ts";
import type { Names } from "../relations/names.ts";
import type { Audited } from "./audited.ts";
import { checkAdmin, checkWholeTenant } from "./check-admin.ts";

export interface ModelControlOptions {
  readonly authority: Pick<Authority, "readmit">;
  readonly models: Models;
  readonly language: ModelLanguage;
  readonly tenants: Pick<TenantStore, "byUid">;
  readonly names: Pick<Names, "tenant">;
  readonly audited: Audited;
}

const namePattern = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/u;
const noSuchModel = (): FileError => new FileError("not-found", "There is no such model.");

/** Keeps tenants' own models: changed by who administers the tenant, seen by all its keys that read. */
export const modelControl = (options: ModelControlOptions): ModelControl => {
  const { authority, models, language, tenants, names, audited } = options;

  const changing = <R>(
    ctx: Context,
    action: string,
    name: string,
    named: string | undefined,
    run: (settlement: Settlement, tenant: string) => Promise<R>,
  ): Promise<R> =>
    audited(ctx, action, `model:${name}`, (settlement) =>
      decidingAgain(authority, ctx, settlement, async (now) => {
        checkAdmin(now.principal);
        const tenant = await names.tenant(now, named);
        checkWholeTenant(now.principal, (await tenants.byUid(tenant))?.roots ?? []);
        settlement.tenant = tenant;
        return run(settlement, tenant);
      }),
    );

  const reading = <R>(
    ctx: Context,
    action: string,
    resource: string,
    named: string | undefined,
    run: (tenant: string) => Promise<R>,
  ): Promise<R> =>
    audited(ctx, action, resource, async () => {
      checkScope(ctx.principal, "read");
      return run(await names.tenant(ctx, named));
    });

  return {
    put: (ctx, { name, source, tenant: named }) =>
      changing(ctx, "model.put", name, named, async (settlement, tenant) => {
        if (!namePattern.test(name))
          throw new FileError(
            "invalid-request",
            "A model's name has 1 to 63 characters of a-z, 0-9, '-' and '_'.",
          );
        await language.validate(source);
        return models.put(settlement, tenant, { name, source });
      }),
    get: (ctx, name, named) =>
      reading(ctx, "model.get", `model:${name}`, named, async (tenant) => {
        const model = await models.get(tenant, name);
        if (model === undefined) throw noSuchModel();
        return model;
      }),
    list: (ctx, { tenant: named, ...query }) =>
      reading(ctx, "model.list", "model:*", named, (tenant) => models.list(tenant, query)),
    remove: (ctx, name, named) =>
      changing(ctx, "model.delete", name, named, (settlement, tenant) =>
        models.remove(settlement, tenant, name),
      ),
  };
};
