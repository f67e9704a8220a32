import type { WireWhoAmI } from "@bulkhead/wire";
import type { Command } from "commander";
import type { Bind } from "../cli.ts";
import { sheet } from "../table.ts";

const rateRows = (rates: WireWhoAmI["rateLimits"]): readonly (readonly [string, string])[] => {
  const { tenant = null, key = null, bytesPerSecond = null } = rates ?? {};
  return [
    ...(tenant === null ? [] : [["tenant's rate", `${tenant} requests a minute`] as const]),
    ...(key === null ? [] : [["key's rate", `${key} requests a minute`] as const]),
    ...(bytesPerSecond === null ? [] : [["bytes", `${bytesPerSecond} a second`] as const]),
  ];
};

export const addWhoami = (program: Command, bind: Bind): void => {
  program
    .command("whoami")
    .description("show who the key is and what it reaches")
    .action(
      bind(async (cli) => {
        const me = await (await cli.remote()).whoami({ signal: cli.signal });
        if (cli.out.json) return cli.out.document(me);
        const { kind, keyId, subject, expiresAt } = me.principal;
        const rows = [
          ["key", `${keyId} (${kind})`],
          ["subject", `${subject.type}:${subject.id}`],
          ["tenant", me.tenant ?? "-"],
          ["home", me.home],
          ["reaches", me.bounds.join(" ")],
          ["scopes", me.scopes.join(",")],
          ["expires", expiresAt ?? "never"],
          ...rateRows(me.rateLimits),
        ] as const;
        for (const line of sheet(rows)) await cli.out.line(line);
      }),
    );
};
