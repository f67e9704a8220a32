import mime from "mime";

/** Derives a media type from the ending of a name (RFC 6838); `application/octet-stream` where it tells nothing. */
export const contentTypeOf = (name: string): string =>
  // With a slash in front a bare name such as `json` is a name, not an ending.
  mime.getType(`/${name}`) ?? "application/octet-stream";
