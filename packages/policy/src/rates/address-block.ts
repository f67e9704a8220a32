/**
 * Whom an address belongs to: itself for IPv4, its /64 for IPv6, which one host has whole (RFC 4291, RFC 6177). What is
 * no address stays as it is.
 */
export const addressBlock = (address: string): string => {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().replace(/%.*$/, "").split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  // An IPv4 address at the end stands for two groups.
  const written = [...before, ...after].reduce((n, group) => n + (group.includes(".") ? 2 : 1), 0);
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - written) }, () => "0");
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
};
