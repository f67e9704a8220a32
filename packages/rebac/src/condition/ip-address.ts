import { BlockList, isIP } from "node:net";

/** An address that a condition may ask about, IPv4 or IPv6. */
export class IpAddress {
  readonly text: string;
  readonly family: "ipv4" | "ipv6";

  /** Throws `RangeError` for anything that is not an address. */
  constructor(text: string) {
    const version = isIP(text);
    if (version === 0) throw new RangeError(`${text} is not an IP address`);
    this.text = text;
    this.family = version === 4 ? "ipv4" : "ipv6";
  }

  /** Whether the address lies in a network such as `192.168.0.0/24`. Throws `RangeError` for what is no network. */
  isIn(cidr: string): boolean {
    const [, base = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/u.exec(cidr) ?? [];
    const version = isIP(base);
    if (version === 0 || Number(bits) > (version === 4 ? 32 : 128))
      throw new RangeError(`${cidr} is not a network`);
    const family = version === 4 ? "ipv4" : "ipv6";
    if (family !== this.family) return false;
    const network = new BlockList();
    network.addSubnet(base, Number(bits), family);
    return network.check(this.text, family);
  }

  /** Whether both are the same address, however they are written. */
  equals(other: IpAddress): boolean {
    return this.isIn(`${other.text}/${other.family === "ipv4" ? 32 : 128}`);
  }
}
