import { crc32 } from "node:zlib";

/** The CRC-32 of a part as the store is told it: base64 of its four bytes, the greatest first. */
export const checksumOf = (bytes: Uint8Array): string => {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString("base64");
};
