import { type WireBill, wireBill, wireBillOf } from "@bulkhead/wire";
import { z } from "zod";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { csvAnswer, type CsvRow, wantsCsv } from "../csv.ts";
import { formatParameter } from "../describe.ts";
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
  {
    method: "GET",
    url: "/v1/tenants/:id/bill",
    id: "getBill",
    does: "`?month=2026-11`: `{ tenant, month, reads, writes, searches, storageGb, users, baseMinor, overage: { users, storage }, totalMinor, currency, final }`, money in minor units. `?format=csv`.",
    query: [
      { name: "month", does: "A month of UTC.", schema: z.string(), required: true },
      formatParameter,
    ],
    answers: {
      200: {
        does: "The bill.",
        json: wireBill,
        types: ["text/csv"],
        headers: ["Content-Disposition"],
      },
    },
    run: bill,
  },
];
