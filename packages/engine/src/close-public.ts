import { closeDatabases, openDatabases } from "@bulkhead/backend-postgres";

/**
 * Looks after what tenants' roles could connect to beside their own database: on a server of our own that is closed to
 * everybody who is not named; on an operator's, whose other users may need it, it is only told, once.
 */
export const closePublic = (
  own: string | undefined,
  log: (event: string, detail: Readonly<Record<string, unknown>>) => void,
): ((adminUrl: string) => Promise<void>) => {
  const told = new Set<string>();
  return async (adminUrl) => {
    const open = await openDatabases(adminUrl);
    if (open.length === 0) return;
    if (adminUrl === own) return closeDatabases(adminUrl, open);
    if (told.has(adminUrl)) return;
    told.add(adminUrl);
    log("databases-open", {
      databases: open,
      advice: "Any role may connect to these: revoke connect on database … from public.",
    });
  };
};
