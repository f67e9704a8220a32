import { type WireBill, wireBillOf } from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { csvAnswer, type CsvRow, wantsCsv } from "../csv.ts";
import { malformed } from "../fault.ts";

const columns = [
  "tenant",
  "month",
  "reads",
  "writes",
  "searches",
  "storageGb",
  "users",
  "baseMinor",
  "overageUsersMinor",
  "overageStorageMinor",
  "totalMinor",
  "currency",
  "final",
] as const;

const rowOf = ({ overage, ...bill }: WireBill): CsvRow => ({
  ...bill,
  overageUsersMinor: overage.users,
  overageStorageMinor: overage.storage,
});

const bill = async (call: Call): Promise<Answer> => {
  const { control, ctx, query } = call;
  const month = query.text("month");
  if (month === undefined) throw malformed("The parameter 'month' names one, as 2026-11.");
  const csv = wantsCsv(call);
  const made = wireBillOf(await control.bills.get(ctx, call.param("id"), month));
  if (!csv) return { status: 200, json: made };
  return csvAnswer(`bill-${made.tenant}-${made.month}`, columns, [rowOf(made)]);
};

/** `/v1/tenants/{id}/bill` */
export const billRoutes: readonly Route[] = [
  { method: "GET", url: "/v1/tenants/:id/bill", run: bill },
];
