import { createHash } from "node:crypto";
import { type Claim, FileError } from "@bulkhead/contract";
import { headerNames, idempotencyKeyPattern } from "@bulkhead/wire";
import type { Answer } from "./answer.ts";
import type { Call } from "./call.ts";
import { malformed } from "./fault.ts";

const keyOf = (call: Call): string | undefined => {
  const key = call.headers[headerNames.idempotencyKey.toLowerCase()];
  if (key === undefined) return undefined;
  if (typeof key !== "string" || !idempotencyKeyPattern.test(key))
    throw malformed(`'${headerNames.idempotencyKey}' is 1 to 255 visible ASCII characters.`);
  return key;
};

/** True unless the operation runs because it is asked for again by the same `Idempotency-Key`. */
export const isFirst = (call: Call): boolean =>
  call.headers[headerNames.idempotencyKey.toLowerCase()] === undefined ||
  call.ctx.settlement.idempotency !== undefined;

/**
 * Begins the digest of a request with what its body does not say: what it is about, for whom it acts, where its paths
 * begin, and what its key may do, so that no answer is given again to a key that has become narrower.
 */
export const requestDigest = (call: Call, target: string): ReturnType<typeof createHash> => {
  const { reach, scopes, subject } = call.ctx.principal;
  return createHash("sha256")
    .update(JSON.stringify([target, subject, reach, scopes.toSorted()]))
    .update("\n");
};

/** How a POST runs and how its answer is given again. */
export interface Operation {
  /** The route's name: keys are scoped to it. */
  readonly route: string;
  /** The digest of the request, where it is known before the body has been taken. */
  readonly digest: string | undefined;
  readonly run: () => Promise<Answer>;
  /** Renders an operation that was carried out, its answer lost, from what is stored. */
  readonly again: () => Promise<Answer>;
  /** True where it changes nothing: asked again it is judged and answered anew, never given what was told before. */
  readonly repeatable?: boolean;
  /** Takes the whole body, if that has not happened yet, and tells the digest. */
  readonly digested: () => Promise<string>;
}

const mismatch = (): FileError =>
  new FileError(
    "idempotency-mismatch",
    "This Idempotency-Key was used for another request; choose a new one.",
  );

const replayed = { [headerNames.idempotencyReplayed]: "true" };

const replay = async (
  claim: Exclude<Claim, { state: "new" }>,
  operation: Operation,
  call: Call,
): Promise<Answer> => {
  if (
    operation.digest === undefined &&
    claim.digest !== undefined &&
    (await operation.digested()) !== claim.digest
  )
    throw mismatch();
  if (operation.repeatable === true) {
    const answer = await operation.run();
    return { ...answer, headers: { ...answer.headers, ...replayed } };
  }
  if (claim.state === "answered")
    return { status: claim.answer.status, headers: replayed, json: claim.answer.body };
  const answer = await operation.again();
  await keep(call, claim.id, operation, answer);
  return { ...answer, headers: { ...answer.headers, ...replayed } };
};

// The effect is there, whether its answer could be kept or not: an error now would only make the client repeat it.
const keep = async (
  call: Call,
  id: string,
  operation: Operation,
  answer: Answer,
): Promise<void> => {
  try {
    const body = operation.repeatable === true ? null : (answer.replay ?? answer.json ?? null);
    await call.control.idempotency.answer(call.ctx, id, await operation.digested(), {
      status: answer.status,
      body,
    });
  } catch {
    // The row says that the operation committed; the next claim renders it again.
  }
};

/**
 * Runs an operation once for an `Idempotency-Key`: gives the first answer again to the same request, refuses the key for
 * another one, and gives it back after a failure. Without the header it just runs.
 */
export const once = async (call: Call, operation: Operation): Promise<Answer> => {
  const key = keyOf(call);
  if (key === undefined) return operation.run();
  const { idempotency } = call.control;
  const claim = await idempotency.claim(call.ctx, operation.route, key, operation.digest);
  if (claim.state !== "new") return replay(claim, operation, call);
  call.ctx.settlement.idempotency = claim.id;
  try {
    const answer = await operation.run();
    await keep(call, claim.id, operation, answer);
    return answer;
  } catch (error) {
    // What is behind the first error matters; a key that could not be given back is in flight until it expires.
    await idempotency.release(call.ctx, claim.id).catch(() => undefined);
    throw error;
  } finally {
    call.ctx.settlement.idempotency = undefined;
  }
};
