/**
 * The name that a `Host` puts before the server's domain, in lower case; undefined for the domain itself, and for every
 * host that is not below it.
 */
export const subdomainOf = (
  host: string | undefined,
  domain: string | undefined,
): string | undefined => {
  if (host === undefined || domain === undefined) return undefined;
  const name = host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
  const below = `.${domain.toLowerCase()}`;
  return name.endsWith(below) ? name.slice(0, -below.length) : undefined;
};
