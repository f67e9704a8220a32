import { RemoteFS } from "@bulkhead/client";
import { type Config, type Profile, readConfig } from "./config-file.ts";
import { UsageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** The flags that say where to and who. */
export interface ConnectionFlags {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
  readonly profile?: string | undefined;
  readonly workspacePrefix?: string | undefined;
  readonly as?: string | undefined;
  readonly namespace?: string | undefined;
}

const defaultUrl = "http://127.0.0.1:2026";

const sameServer = (a: string, b: string): boolean => {
  const trim = (url: string): string => (URL.parse(url)?.href ?? url).replace(/\/+$/, "");
  return trim(a) === trim(b);
};

const pick = (config: Config, name: string | undefined): Profile | undefined => {
  if (name === undefined)
    return config.default === undefined ? undefined : config.profiles[config.default];
  const profile = Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined;
  if (profile === undefined)
    throw new UsageError(
      `no profile '${name}'; add it with: bulkhead profile add ${name} --url <url>`,
    );
  return profile;
};

const given = (value: string | undefined): string | undefined =>
  value === undefined || value === "" ? undefined : value;

/** A server, and the key for it if there is one. */
export interface Endpoint extends Omit<Profile, "key"> {
  readonly key: string | undefined;
}

/**
 * Decides which server and which key: flag over environment over file; a profile that was named counts as a flag. A
 * stored key goes only to the server it was stored with.
 */
export const endpointOf = async (
  flags: ConnectionFlags,
  { env }: Pick<Terminal, "env">,
): Promise<Endpoint> => {
  const profile = pick(await readConfig(env), flags.profile);
  const named = flags.profile !== undefined;
  const envUrl = named ? undefined : given(env["BULKHEAD_URL"]);
  const envKey = named ? undefined : given(env["BULKHEAD_KEY"]);
  const url = flags.url ?? envUrl ?? profile?.url ?? defaultUrl;
  const stored = profile !== undefined && sameServer(profile.url, url) ? profile : undefined;
  const key = flags.key ?? envKey ?? stored?.key;
  const workspacePrefix =
    flags.workspacePrefix ??
    (key !== undefined && key === stored?.key ? stored.workspacePrefix : undefined);
  return workspacePrefix === undefined ? { url, key } : { url, key, workspacePrefix };
};

/** Opens the server that `flags`, environment and configuration name. */
export const connect = async (flags: ConnectionFlags, io: Terminal): Promise<RemoteFS> => {
  const { url, key, workspacePrefix } = await endpointOf(flags, io);
  if (key === undefined)
    throw new UsageError(
      `no key for ${url}: set BULKHEAD_KEY, pass --key, or store one with: bulkhead profile add <name> --url ${url}`,
    );
  return new RemoteFS({
    url,
    apiKey: key,
    ...(workspacePrefix !== undefined && { workspacePrefix }),
    ...(flags.as !== undefined && { as: flags.as }),
    ...(flags.namespace !== undefined && { namespace: flags.namespace }),
    ...(io.fetch !== undefined && { fetch: io.fetch }),
  });
};
