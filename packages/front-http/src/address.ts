import { BlockList, isIP } from "node:net";

const plain = (address: string): string =>
  /^::ffff:\d/i.test(address) ? address.slice(7) : address;

// `for=192.0.2.1:80`, `for="[2001:db8::1]:80"`: the address without port, quotes and brackets.
const bare = (hop: string): string | undefined => {
  const text = hop.trim().replace(/^"(.*)"$/, "$1");
  const address =
    /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return isIP(address) === 0 ? undefined : plain(address);
};

/** Headers in which proxies say for whom they ask. */
export interface ForwardedHeaders {
  readonly forwarded: string | undefined;
  readonly forwardedFor: string | undefined;
}

const hopsOf = ({ forwarded, forwardedFor }: ForwardedHeaders): readonly (string | undefined)[] => {
  // A proxy writes one of the two; with both, one is the client's own invention, and nobody knows which.
  if (forwarded !== undefined && forwardedFor !== undefined) return [];
  if (forwardedFor !== undefined) return forwardedFor.split(",").map(bare);
  if (forwarded === undefined) return [];
  return forwarded
    .split(",")
    .map((element) => bare(/(?:^|;)\s*for=("[^"]*"|[^;]*)/i.exec(element)?.[1] ?? ""));
};

/**
 * Finds the client's address: the nearest one that is no trusted proxy, from the connection outwards (RFC 7239). Throws
 * a `RangeError` at once for a trusted proxy that is neither an address nor a CIDR range.
 */
export const clientAddress = (
  trustedProxies: readonly string[],
): ((remote: string | undefined, headers: ForwardedHeaders) => string) => {
  const trusted = new BlockList();
  for (const proxy of trustedProxies) {
    const [address = "", bits] = proxy.split("/");
    const family = isIP(address);
    if (family === 0) throw new RangeError(`'${proxy}' is neither an address nor a range.`);
    const kind = family === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) trusted.addAddress(address, kind);
    else trusted.addSubnet(address, Number(bits), kind);
  }
  const trusts = (address: string): boolean =>
    trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return (remote, headers) => {
    let address = plain(remote ?? "");
    if (trustedProxies.length === 0) return address;
    for (const hop of hopsOf(headers).toReversed()) {
      if (isIP(address) === 0 || !trusts(address) || hop === undefined) break;
      address = hop;
    }
    return address;
  };
};
