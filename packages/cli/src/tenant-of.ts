import type { RemoteFS } from "@bulkhead/client";
import type { Cli } from "./cli.ts";
import { UsageError } from "./failure.ts";

/** The server, and the tenant that a flag names, else the key's own. */
export const tenantOf = async (
  cli: Cli,
  flag: string | undefined,
): Promise<{ readonly remote: RemoteFS; readonly tenant: string }> => {
  const remote = await cli.remote();
  const tenant = flag ?? (await remote.whoami({ signal: cli.signal })).tenant;
  if (tenant === null)
    throw new UsageError("this key is of no tenant; name one with --tenant <id>");
  return { remote, tenant };
};
