import type { Stat } from "@bulkhead/contract";
import { encodeMetadata, headerNames, quoteEtag } from "@bulkhead/wire";
import type { Headers } from "./answer.ts";

// What a browser would run, or could be talked into running, in the server's origin.
const active =
  /^(?:text\/(?:html|xml|xsl|.*script)|application\/(?:xml|xhtml|.*script|x-shockwave-flash|mathml).*|image\/svg.*|.*\+xml|multipart\/.*|message\/.*)$/;

const disposition = (name: string): string =>
  `attachment; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*!]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`;

const typeOf = (stat: Stat): string => {
  const type = stat.contentType ?? "";
  return /^[\w.+-]+\/[\w.+-]+[ \t]*(?:;[\x20-\x7e\t]*)?$/.test(type)
    ? type
    : "application/octet-stream";
};

/** What identifies the state of a file: on its content and on the answer that there is nothing new. */
export const stateHeaders = (stat: Stat): Headers => ({
  ...(stat.etag !== undefined && { ETag: quoteEtag(stat.etag) }),
  ...(stat.version !== undefined && { [headerNames.version]: stat.version }),
  "Last-Modified": new Date(stat.modifiedAt).toUTCString(),
});

/** The headers of a file's content. What a browser could run comes as an attachment, in a sandbox. */
export const contentHeaders = (stat: Stat): Headers => {
  const type = typeOf(stat);
  const essence = type.split(";")[0]?.trim().toLowerCase() ?? "";
  return {
    ...stateHeaders(stat),
    ...Object.fromEntries(encodeMetadata(stat.metadata ?? {})),
    "Content-Type": type,
    "Accept-Ranges": "bytes",
    ...(active.test(essence) && {
      "Content-Disposition": disposition(stat.name),
      "Content-Security-Policy": "sandbox; default-src 'none'",
    }),
  };
};
