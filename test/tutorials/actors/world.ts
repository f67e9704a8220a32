import type { ActorOptions, Actor } from "./actor.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import type { Front } from "./ways.ts";

/** A tenant, its key, and somebody who acts with it. */
export interface Party {
  readonly id: string;
  readonly root: string;
  readonly keyId: string;
  readonly key: string;
  readonly actor: Actor;
}

/** A server with nothing in it, and one way of talking to it. */
export interface World extends AsyncDisposable {
  readonly server: TestServer;
  readonly platform: Actor;
  /** Every answer that anybody here has had. */
  readonly heard: readonly string[];
  readonly as: (key: string, options?: Partial<ActorOptions>) => Actor;
  /** Makes a tenant and a key for its root, which may administer it. */
  readonly party: (id: string) => Promise<Party>;
}

/** Starts a server, or joins one that runs, and meets it by `front`. Who started it ends it. */
export const meet = async (front: Front, running?: TestServer): Promise<World> => {
  const server = running ?? (await startServer());
  const heard: string[] = [];
  const as = (key: string, options: Partial<ActorOptions> = {}): Actor =>
    front.act({ url: server.url, key, heard: (text) => heard.push(text), ...options });
  const platform = as(server.platformKey);
  return {
    server,
    platform,
    heard,
    as,
    party: async (id) => {
      await platform.makeTenant(id);
      const root = `/workspace/${id}`;
      const minted = await platform.mintKey({
        name: id,
        workspacePrefix: root,
        scopes: ["read", "write", "admin"],
      });
      const key = secretOf(minted);
      return { id, root, keyId: minted.id, key, actor: as(key) };
    },
    [Symbol.asyncDispose]: async () => {
      if (running === undefined) await server[Symbol.asyncDispose]();
    },
  };
};

/** The secret of a key that was just minted. Throws if the answer kept it. */
export const secretOf = ({ key }: { readonly key: string | null }): string => {
  if (key === null) throw new Error("The answer holds no secret.");
  return key;
};
