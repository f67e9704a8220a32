import { FileError } from "@bulkhead/contract";

/** Which tenants are served by the servers of other regions. */
export interface Elsewhere {
  /** The address of the server that serves the tenant of that id or subdomain; undefined if none is known to. */
  readonly addressOf: (named: {
    readonly tenant?: string | undefined;
    readonly subdomain?: string | undefined;
  }) => Promise<string | undefined>;
  /** The address of a region's server; undefined for one that is not known. */
  readonly addressIn: (region: string) => string | undefined;
}

/** Makes the answer to who asks the server of the wrong region: the address of the right one, and nothing was stored. */
export const wrongRegion = (location: string): FileError =>
  new FileError("wrong-region", "Another region's server serves this tenant; ask that one.", {
    fields: { location },
  });

/** Throws `wrong-region` for a tenant of another region. */
export const checkHere = async (
  elsewhere: Pick<Elsewhere, "addressOf">,
  named: Parameters<Elsewhere["addressOf"]>[0],
): Promise<void> => {
  const location = await elsewhere.addressOf(named);
  if (location !== undefined) throw wrongRegion(location);
};
