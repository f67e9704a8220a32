import type { Bill } from "@bulkhead/contract";
import type { Command } from "commander";
import { type Bind, type Cli } from "../cli.ts";
import { about } from "../failure.ts";
import { sheet } from "../table.ts";

interface Flags {
  readonly month?: string;
  readonly csv?: boolean;
}

const thisMonth = (): string => new Date().toISOString().slice(0, 7);

/** Writes minor units in the currency's own way, where the runtime knows it. */
const money = (minor: number, currency: string): string => {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat("en", {
    style: "currency",
    currency,
  }).resolvedOptions();
  const digits = String(minor).padStart(maximumFractionDigits + 1, "0");
  const whole = digits.slice(0, digits.length - maximumFractionDigits);
  const rest = maximumFractionDigits === 0 ? "" : `.${digits.slice(-maximumFractionDigits)}`;
  return `${whole}${rest} ${currency}`;
};

const showBill = async (cli: Cli, bill: Bill): Promise<void> => {
  if (cli.out.json) return cli.out.document(bill);
  const { currency, overage } = bill;
  const rows = [
    ["tenant", bill.tenant],
    ["month", `${bill.month}${bill.final ? "" : " (so far)"}`],
    ["reads", String(bill.reads)],
    ["writes", String(bill.writes)],
    ["searches", String(bill.searches)],
    ["storage", `${bill.storageGb} GB`],
    ["users", String(bill.users)],
    ["plan", money(bill.baseMinor, currency)],
    ["more users", money(overage.users, currency)],
    ["more storage", money(overage.storage, currency)],
    ["total", money(bill.totalMinor, currency)],
  ] as const;
  for (const line of sheet(rows)) await cli.out.line(line);
};

export const addBill = (program: Command, bind: Bind): void => {
  program
    .command("bill")
    .description("show what a tenant owes for a month")
    .argument("<tenant>")
    .option("--month <month>", "2026-11 (UTC); the running one by default")
    .option("--csv", "as CSV that a spreadsheet can open")
    .action(
      bind(async (cli, tenant: string, { month = thisMonth(), csv }: Flags) => {
        const { bills } = await cli.remote();
        const { signal } = cli;
        await about(tenant, async () =>
          csv === true
            ? cli.out.bytes(new TextEncoder().encode(await bills.csv(tenant, month, { signal })))
            : showBill(cli, await bills.get(tenant, month, { signal })),
        );
      }),
    );
};
