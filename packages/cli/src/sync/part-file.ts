import { createHash } from "node:crypto";

/** The hidden name under which a file arrives; the same for the same content, so that another run can go on with it. */
export const partName = (name: string, etag: string): string =>
  `.bulkhead-${createHash("sha256").update(`${name}\0${etag}`).digest("hex").slice(0, 12)}.part`;

/** True for such a name. */
export const isPartName = (name: string | undefined): boolean =>
  name !== undefined && /^\.bulkhead-[0-9a-f]{12}\.part$/.test(name);
