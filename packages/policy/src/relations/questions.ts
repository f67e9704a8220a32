import {
  type CheckInput,
  type CheckResult,
  type Context,
  FileError,
  type ListObjectsInput,
  type ListSubjectsInput,
  type PageOf,
  permissionBits,
  type Principal,
  type RelationControl,
  type VirtualPath,
} from "@bulkhead/contract";
import type { Audited } from "../control/audited.ts";
import { covers } from "../control/check-admin.ts";
import { checkScope } from "../decision.ts";
import type { AsOf, Facts, ObjectRef, Relations, SubjectRef, Tuples } from "../ports-relations.ts";
import { noRelation } from "../relations-allow.ts";
import { drawing } from "./drawing.ts";
import { verdictFor } from "./may-grant.ts";
import type { OwnModels } from "./own-models.ts";
import { type Names, revisionText } from "./names.ts";
import { pageOfNames } from "./page-of-names.ts";
import { permissionOf, relationOf } from "./words.ts";

export interface QuestionOptions {
  readonly tuples: Pick<Tuples, "list" | "revisions">;
  readonly relations: Relations;
  readonly names: Names;
  /** What is asked with a model's name. */
  readonly ownModels: Omit<OwnModels, "grant" | "revoke" | "list">;
  readonly audited: Audited;
}

const { can_read } = permissionBits;

const isSelf = ({ kind, tenant, subject }: Principal, asked: SubjectRef): boolean =>
  kind === "identity" &&
  tenant?.uid === asked.tenant &&
  subject.type === asked.type &&
  subject.id === asked.id;

/** Throws `not-found` unless the caller may see the object: what it cannot read does not exist for it. */
const checkVisible = async ({ principal }: Context, object: ObjectRef): Promise<void> => {
  if (object.type === "file") {
    const { mask } = await verdictFor(principal, object.path);
    if ((mask & can_read) === 0) throw noRelation();
    return;
  }
  if (principal.kind !== "platform" && principal.tenant?.uid !== object.tenant) throw noRelation();
};

const asOf = ({ now, settlement: { revisions, nearby } }: Context): AsOf => ({
  now,
  revisions: nearby === undefined ? revisions : [...revisions, ...nearby],
});

const isForeign = ({ principal }: Context, tenant: string): boolean =>
  principal.kind !== "platform" && principal.tenant?.uid !== tenant;

/** What can be asked of relations without changing them; each answer only about what the caller may see. */
export const relationQuestions = ({
  tuples,
  relations,
  names,
  ownModels,
  audited,
}: QuestionOptions): Pick<
  RelationControl,
  "check" | "checkBatch" | "expand" | "listObjects" | "listSubjects"
> => {
  const { listed, expandFile } = drawing(tuples, names);

  const prepare = async (ctx: Context, input: CheckInput): Promise<() => CheckResult> => {
    if (input.model !== undefined) return ownModels.check(ctx, input, input.model);
    if (input.contextual !== undefined || input.context !== undefined)
      throw new FileError(
        "invalid-request",
        "What holds for one question alone is only for a model of the tenant's own.",
      );
    const { object } = await names.object(ctx, input.object, input.tenant);
    const subject = await names.subject(
      ctx.principal,
      input.subject,
      input.subjectTenant,
      object.tenant,
    );
    // What one may oneself is no secret: of what one cannot read, the answer is no, whether it is there or not.
    if (!isSelf(ctx.principal, subject)) {
      await checkVisible(ctx, object);
      // Who is who in another tenant is not the business of those it shares something with.
      if (isForeign(ctx, object.tenant) && isForeign(ctx, subject.tenant)) throw noRelation();
    }
    const facts = await relations.of(subject, object.tenant, asOf(ctx));
    checkRevision(facts, input.revision);
    const revision = revisionText(facts.revision);
    switch (object.type) {
      case "file": {
        const bit = permissionBits[permissionOf(input.permission)];
        return () => {
          const { mask, indeterminate } = facts.verdict(object.path);
          const allowed = (mask & bit) !== 0;
          return {
            allowed,
            revision,
            ...(!allowed && indeterminate && { reason: "indeterminate" }),
          };
        };
      }
      case "group": {
        relationOf("group", input.permission);
        const groups = subject.tenant === object.tenant ? await groupsOf(subject) : [];
        const allowed = groups.includes(`group:${object.id}`);
        return () => ({ allowed, revision });
      }
      case "tenant": {
        if (input.permission !== "member") relationOf("tenant", input.permission);
        return () => ({
          allowed: input.permission === "member" ? subject.tenant === object.tenant : facts.admin,
          revision,
        });
      }
      default:
        return object satisfies never;
    }
  };

  const mayName = async (
    ctx: Context,
    subject: SubjectRef,
  ): Promise<(path: VirtualPath) => Promise<boolean>> => {
    const { principal } = ctx;
    if (principal.kind === "platform" || isSelf(principal, subject)) return async () => true;
    if (principal.kind === "capability") return async (path) => covers(principal, path);
    return async (path) => ((await verdictFor(principal, path)).mask & can_read) !== 0;
  };

  /** The groups that a subject is in, through others as well; a group's members are in it. */
  const groupsOf = async (subject: SubjectRef): Promise<readonly string[]> => {
    const found = new Set<string>(subject.type === "group" ? [subject.id] : []);
    const waiting: Omit<SubjectRef, "tenant">[] = [subject];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      let after: string | undefined;
      do {
        const { type, id, relation } = at;
        const page = await tuples.list({
          tenant: subject.tenant,
          relation: "member",
          subject: { type, id, ...(relation !== undefined && { relation }) },
          ...(after && { after }),
        });
        for (const { object } of page.items)
          if (object.type === "group" && !found.has(object.id)) {
            found.add(object.id);
            waiting.push({ type: "group", id: object.id, relation: "member" });
          }
        after = page.next;
      } while (after !== undefined);
    }
    return [...found].map((id) => `group:${id}`);
  };

  const listObjects = async (ctx: Context, input: ListObjectsInput): Promise<PageOf<string>> => {
    const { principal } = ctx;
    const tenant = await names.tenant(ctx, input.tenant);
    const subject = await names.subject(principal, input.subject, input.subjectTenant, tenant);
    const type = input.type ?? "file";
    if (type === "group") {
      relationOf("group", input.permission);
      // Which groups another tenant has is its own business.
      if (isForeign(ctx, subject.tenant)) throw noRelation();
      return pageOfNames(await groupsOf(subject), input);
    }
    if (type !== "file")
      throw new FileError(
        "invalid-request",
        "The objects that can be listed are files and groups.",
      );
    const bit = permissionBits[permissionOf(input.permission)];
    const facts = await relations.of(subject, tenant, asOf(ctx));
    const shows = await mayName(ctx, subject);
    const shown: string[] = [];
    for (const root of facts.cover(bit).roots) if (await shows(root)) shown.push(`file:${root}`);
    return pageOfNames(shown, input);
  };

  const listSubjects = async (ctx: Context, input: ListSubjectsInput): Promise<PageOf<string>> => {
    const { object } = await names.object(ctx, input.object, input.tenant);
    await checkVisible(ctx, object);
    const shown = (subject: SubjectRef): boolean =>
      (input.type === undefined || subject.type === input.type) &&
      !(isForeign(ctx, object.tenant) && isForeign(ctx, subject.tenant));
    if (object.type !== "file") {
      const on = { object: { type: object.type, id: object.type === "group" ? object.id : "" } };
      const relation = relationOf(object.type, input.permission);
      return pageOfNames(await listed(object.tenant, on, relation, shown), input);
    }
    const bit = permissionBits[permissionOf(input.permission)];
    const found = await relations.subjects(object.tenant, object.path, bit, asOf(ctx));
    return pageOfNames(await Promise.all(found.filter(shown).map(names.write)), input);
  };

  const asking = <R>(
    ctx: Context,
    action: string,
    resource: string,
    run: () => Promise<R>,
  ): Promise<R> =>
    audited(ctx, action, resource, async () => {
      checkScope(ctx.principal, "read");
      return run();
    });

  return {
    check: (ctx, input) =>
      asking(ctx, "relation.check", input.object, async () => (await prepare(ctx, input))()),
    checkBatch: (ctx, inputs) =>
      asking(ctx, "relation.check", "*", async () => {
        const asked = await Promise.all(inputs.map((input) => prepare(ctx, input)));
        // In one turn: nothing changes between the first answer and the last.
        return asked.map((answer) => answer());
      }),
    expand: (ctx, { object: text, relation, tenant, model }) =>
      asking(ctx, "relation.expand", text, async () => {
        if (model !== undefined)
          return ownModels.expand(ctx, { tenant, relation, object: text }, model);
        const { object } = await names.object(ctx, text, tenant);
        await checkVisible(ctx, object);
        const shown = (subject: SubjectRef): boolean =>
          !(isForeign(ctx, object.tenant) && isForeign(ctx, subject.tenant));
        if (object.type === "file") return expandFile(object.tenant, object.path, relation, shown);
        const on = { object: { type: object.type, id: object.type === "group" ? object.id : "" } };
        const name = relationOf(object.type, relation);
        return {
          kind: "leaf",
          name: `${text}#${name}`,
          subjects: await listed(object.tenant, on, name, shown),
        };
      }),
    listObjects: (ctx, input) =>
      asking(ctx, "relation.list-objects", input.subject, () =>
        input.model === undefined
          ? listObjects(ctx, input)
          : ownModels.listObjects(ctx, input, input.model),
      ),
    listSubjects: (ctx, input) =>
      asking(ctx, "relation.list-subjects", input.object, () =>
        input.model === undefined
          ? listSubjects(ctx, input)
          : ownModels.listSubjects(ctx, input, input.model),
      ),
  };
};

const checkRevision = ({ revision }: Facts, wanted: string | undefined): void => {
  if (wanted === undefined) return;
  const match = /^(.+)\.(\d+)$/u.exec(wanted);
  if (match === null) throw new FileError("invalid-request", "This is no revision.");
  const [, epoch, n] = match;
  if (epoch === revision.epoch && Number(n) > revision.n)
    throw new FileError("unavailable", "The ledger is not at that revision yet; try again.");
};
