/** A request target (RFC 9112 §3.2) in its parts, nothing decoded. `fragment` tells that there is a `#`, which is none of them. */
export interface Target {
  readonly path: string;
  readonly query: string;
  readonly fragment: boolean;
}

/** Splits a target as it came. Of an absolute-form only the path counts: its authority says nothing about who asks. */
export const parseTarget = (raw: string): Target => {
  const fragment = raw.includes("#");
  const origin = /^https?:\/\/[^/?#]*/i.exec(raw);
  const rest = origin === null ? raw : raw.slice(origin[0].length);
  const cut = rest.indexOf("?");
  const path = cut < 0 ? rest : rest.slice(0, cut);
  return {
    path: path === "" && origin !== null ? "/" : path,
    query: cut < 0 ? "" : rest.slice(cut + 1),
    fragment,
  };
};

const fileRoutes: readonly string[] = ["files", "append", "stat", "list", "versions"];

const withPath = new RegExp(`^/v1/(${fileRoutes.join("|")})(/.*)?$`, "s");

/** True for a route that stands for all that begins with it: what follows is a file's path. */
export const isFileRoute = (url: string): boolean =>
  fileRoutes.some((name) => url === `/v1/${name}`);

/** The part of a target's path that names a file, still encoded: what follows `/v1/files`; nothing there is the root. */
export const encodedFileOf = (target: Target): string => withPath.exec(target.path)?.[2] ?? "/";

/**
 * What the router sees: for a route that ends in a file's path its beginning alone, literally as it was sent; for the
 * others the path with escapes that decode to themselves, so that `/v1/%6beys` is no other spelling of `/v1/keys`.
 */
export const routable = (raw: string): string => {
  const { path } = parseTarget(raw);
  const match = withPath.exec(path);
  return match === null ? path.replaceAll("%", "%25").replaceAll("#", "%23") : `/v1/${match[1]}`;
};
