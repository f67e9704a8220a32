import {
  type Context,
  type ErrorCode,
  FileError,
  type Layer,
  type RequestPath,
  type WholeSession,
} from "@bulkhead/contract";
import { guardWhole } from "@bulkhead/kit";
import type { DenialSink } from "./ports.ts";

const denials: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "outside-workspace",
  "forbidden",
  "scope-required",
  "tenant-suspended",
  "tenant-mismatch",
  "plan-limit",
  "residency",
]);

/** Why policy refused, or undefined if `error` is no refusal of policy. */
export const denialOf = (error: unknown): string | undefined => {
  if (!(error instanceof FileError)) return undefined;
  return error.denial ?? (denials.has(error.code) ? error.code : undefined);
};

/**
 * Opens an audit entry for every operation. A mutation's is closed in its own commit; a refusal is recorded here, and
 * outside `scope`, because the attempt to leave one's bounds is exactly what has to be on record. `action` names an
 * operation that is made of several.
 */
export const audit = (sink: DenialSink, action?: string): Layer<WholeSession> =>
  guardWhole<RequestPath, Context>(async (ctx, call, next) => {
    const [resource = "/", to] = call.paths;
    const base = ctx.settlement.audit;
    const draft = base && {
      ...base,
      action: action ?? call.operation,
      resource,
      detail: to === undefined ? base.detail : { ...base.detail, to },
    };
    // A settlement of its own: one request may run several operations.
    const settlement = { ...ctx.settlement, audit: draft, reserved: { bytes: 0, files: 0 } };
    try {
      return await next({ ...ctx, settlement });
    } catch (error) {
      const reason = denialOf(error);
      if (reason !== undefined && draft !== undefined)
        sink.denied(ctx.principal.tenant?.uid, draft, reason);
      throw error;
    }
  });
