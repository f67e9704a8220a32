import {
  type Context,
  type ExplainStep,
  FileError,
  isFileError,
  type Stat,
  type VirtualPath,
  type Quota,
} from "@bulkhead/contract";
import type { Call } from "@bulkhead/kit";
import type { QuotaStore } from "../ports-quota.ts";

export interface ExplainQuotaOptions {
  readonly quota: Pick<QuotaStore, "of">;
  readonly tenantAt: (path: VirtualPath) => string | undefined;
  /** What is there, whoever asks. */
  readonly statAt: (ctx: Context, path: VirtualPath) => Promise<Stat>;
}

/** What the step says; `error` is what the request would be refused with. */
export interface QuotaSaid {
  readonly error?: FileError;
  readonly detail: string;
  readonly facts?: ExplainStep["facts"];
}

interface Growth {
  readonly bytes: number | undefined;
  readonly files: number;
  readonly replaced: number;
}

const nothing = { detail: "It adds nothing." } as const;

/** Does the sum that the commit would do, with numbers only for those whose tenant it is. */
export const explainQuota =
  ({ quota, tenantAt, statAt }: ExplainQuotaOptions) =>
  async (
    asker: Context,
    behind: Context,
    call: Call<VirtualPath>,
    size: number | undefined,
  ): Promise<QuotaSaid> => {
    const [from, to] = call.paths;
    const target = to ?? from;
    const adds =
      call.operation === "write" || call.operation === "copy" || call.operation === "move";
    const owner = target && tenantAt(target);
    if (!adds || target === undefined || from === undefined || owner === undefined) return nothing;
    if (call.operation === "move" && tenantAt(from) === owner) return nothing;

    const at = async (path: VirtualPath): Promise<Stat | undefined> => {
      try {
        return await statAt(behind, path);
      } catch (error) {
        if (isFileError(error, "not-found") || isFileError(error, "not-directory"))
          return undefined;
        throw error;
      }
    };
    const there = await at(target);
    const source = to === undefined ? undefined : await at(from);
    // What else is wrong with it is said by what stores it.
    if (there?.kind === "directory" || (to !== undefined && source === undefined)) return nothing;
    const growth: Growth = {
      bytes: to === undefined ? size : source?.kind === "file" ? source.size : undefined,
      files: there === undefined ? 1 : 0,
      replaced: there?.size ?? 0,
    };
    const { principal } = asker;
    const told = principal.kind === "platform" || principal.tenant?.uid === owner;
    return judge(await quota.of(owner), growth, told);
  };

const judge = (of: Quota, { bytes, files, replaced }: Growth, told: boolean): QuotaSaid => {
  const { limits, used, reserved } = of;
  const sums = {
    bytes: {
      limit: limits["bytes"] ?? null,
      used: used["bytes"] ?? 0,
      reserved: reserved.bytes,
      requested: bytes ?? null,
      replaced,
    },
    files: {
      limit: limits["files"] ?? null,
      used: used["files"] ?? 0,
      reserved: reserved.files,
      requested: files,
      replaced: 0,
    },
  };
  if (sums.bytes.limit === null && sums.files.limit === null)
    return { detail: "Nothing limits the tenant's bytes and files." };
  const facts = told ? { facts: sums } : {};
  for (const [resource, sum] of Object.entries(sums)) {
    const more = (sum.requested ?? 0) - sum.replaced;
    if (more <= 0 || sum.limit === null || sum.used + sum.reserved + more <= sum.limit) continue;
    const detail = told
      ? `This would exceed the limit of ${resource}: ${sum.used} used + ${sum.reserved} reserved + ${sum.requested} - ${sum.replaced} > ${sum.limit}.`
      : "The owner of this place has no room left for it.";
    return { error: new FileError("quota-exceeded", detail), detail, ...facts };
  }
  return {
    detail: told
      ? `There is room: used + reserved + requested - replaced is within the limits.`
      : "There is room for it.",
    ...facts,
  };
};
