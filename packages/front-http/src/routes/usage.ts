import { usageSteps } from "@bulkhead/contract";
import { wireUsageHistoryOf } from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call } from "../call.ts";
import { csvAnswer, wantsCsv } from "../csv.ts";
import { malformed } from "../fault.ts";

const columns = [
  "tenant",
  "from",
  "requests",
  "reads",
  "lookups",
  "searches",
  "writes",
  "bytesIn",
  "bytesOut",
  "byteHours",
  "users",
] as const;

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
  const csv = wantsCsv(call);
  const history = await control.usage.over(ctx, call.param("id"), {
    from: query.time("from"),
    to: query.time("to"),
    by: stepOf(call),
  });
  const told = wireUsageHistoryOf(history);
  if (!csv) return { status: 200, json: told };
  return csvAnswer(
    `usage-${told.tenant}`,
    columns,
    told.spans.map((span) => ({ tenant: told.tenant, ...span })),
  );
};
