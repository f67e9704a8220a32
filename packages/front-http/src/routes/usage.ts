import { usageSteps } from "@bulkhead/contract";
import { wireUsageHistoryOf } from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call } from "../call.ts";
import { malformed } from "../fault.ts";

const stepOf = ({ query }: Call) => {
  const text = query.text("by") ?? "hour";
  const step = usageSteps.find((known) => known === text);
  if (step === undefined) throw malformed("The parameter 'by' is 'hour', 'day' or 'month'.");
  return step;
};

/** True if a tenant's usage is asked for over time. */
export const asksOverTime = ({ query }: Call): boolean =>
  ["by", "from", "to"].some((name) => query.text(name) !== undefined);

/** Answers what a tenant used over time. */
export const usageOverTime = async (call: Call): Promise<Answer> => {
  const { control, ctx, query } = call;
  const history = await control.usage.over(ctx, call.param("id"), {
    from: query.time("from"),
    to: query.time("to"),
    by: stepOf(call),
  });
  return { status: 200, json: wireUsageHistoryOf(history) };
};
