import {
  type Context,
  type Credential,
  type ErrorCode,
  isFileError,
  type KeyInput,
  parseRequestPath,
  type RelationInput,
} from "@bulkhead/contract";
import { tempDir, testDatabase } from "@bulkhead/harness";
import { chunksOf, collect, textBody } from "@bulkhead/kit";
import { migrate } from "@bulkhead/ledger";
import type { Engine, EngineOptions } from "../engine-options.ts";
import { openEngine } from "../open-engine.ts";

export const platformKey = "operator-operator-operator-operator";

/** An engine over a database of its own, and the words tests about who may what are written in. */
export interface Authorized extends AsyncDisposable {
  readonly engine: Engine;
  /** A second process on the same ledger. */
  readonly another: () => Promise<Authorized>;
  readonly as: (key: string | undefined, extra?: Partial<Credential>) => Promise<Context>;
  readonly mint: (by: string, input: Omit<KeyInput, "name">) => Promise<string>;
  /** The key of a user of a tenant, with every scope unless some are named. */
  readonly user: (
    tenant: string,
    id: string,
    scopes?: NonNullable<KeyInput["scopes"]>,
  ) => Promise<string>;
  /** By the platform's key; `object` is a path. Answers the id. */
  readonly grant: (
    subject: string,
    relation: string,
    path: string,
    more?: Partial<RelationInput>,
  ) => Promise<string>;
  readonly revoke: (id: string) => Promise<void>;
  /** Takes every relation on what these tenants have away. */
  readonly revokeAll: (...tenants: readonly string[]) => Promise<void>;
  readonly write: (key: string, path: string, text?: string) => Promise<void>;
  readonly text: (key: string, path: string) => Promise<string>;
  readonly names: (key: string, path: string, limit?: number) => Promise<readonly string[]>;
  /** `ok`, or the code of the refusal. */
  readonly outcome: (run: () => Promise<unknown>) => Promise<ErrorCode | "ok">;
}

export const authorized = async (options: Partial<EngineOptions> = {}): Promise<Authorized> => {
  const database = await testDatabase({ migrate });
  const dir = await tempDir();
  const opened: Engine[] = [];
  const open = async (): Promise<Engine> => {
    const engine = await openEngine({
      databaseUrl: database.url,
      dataDir: dir.path,
      masterKeyFingerprint: "f".repeat(32),
      certificateKey: new Uint8Array(32),
      platformKey,
      region: undefined,
      namespaceRoots: ["workspace", "tenants"],
      placements: {
        versioned: { backend: "versioned", options: {}, durability: "relaxed", readOnly: false },
        memory: { backend: "memory", options: {}, durability: "relaxed", readOnly: false },
      },
      defaultPlacement: "versioned",
      mounts: [],
      log: () => undefined,
      ...options,
    });
    opened.push(engine);
    return engine;
  };

  const words = (engine: Engine): Authorized => {
    const { control } = engine;
    const as: Authorized["as"] = (key, extra = {}) =>
      control.authenticate({
        key,
        address: "127.0.0.1",
        front: "test",
        requestId: "r",
        signal: new AbortController().signal,
        cut: () => undefined,
        ...extra,
      });
    const mint: Authorized["mint"] = async (by, input) =>
      (await control.keys.mint(await as(by), { name: "k", ...input })).key;
    return {
      engine,
      as,
      mint,
      another: async () => words(await open()),
      user: (tenant, id, scopes = ["read", "write", "share", "admin"]) =>
        mint(platformKey, { tenant, subject: { type: "user", id }, scopes }),
      grant: async (subject, relation, path, more = {}) =>
        (
          await control.relations.grant(await as(platformKey), {
            subject,
            relation,
            object: path.startsWith("/") ? `file:${path}` : path,
            ...more,
          })
        ).id,
      revoke: async (id) => {
        await control.relations.revoke(await as(platformKey), id);
      },
      revokeAll: async (...tenants) => {
        const ctx = await as(platformKey);
        for (const tenant of tenants)
          for (const { id } of (await control.relations.list(ctx, { tenant })).items)
            await control.relations.revoke(await as(platformKey), id);
      },
      write: async (key, path, text = "text") => {
        await control.session.write(await as(key), parseRequestPath(path), textBody(text));
      },
      text: async (key, path) => {
        await using result = await control.session.read(await as(key), parseRequestPath(path));
        return new TextDecoder().decode(await collect(chunksOf(result.content)));
      },
      names: async (key, path, limit) => {
        const ctx = await as(key);
        const found: string[] = [];
        let after: string | undefined;
        do {
          const page = await control.session.list(ctx, parseRequestPath(path), {
            ...(limit !== undefined && { limit }),
            ...(after !== undefined && { after }),
          });
          found.push(
            ...page.entries.map(({ name, kind }) => (kind === "file" ? name : `${name}/`)),
          );
          after = page.next;
        } while (after !== undefined);
        return found;
      },
      outcome: async (run) => {
        try {
          await run();
          return "ok";
        } catch (error) {
          if (isFileError(error)) return error.code;
          throw error;
        }
      },
      [Symbol.asyncDispose]: async () => {
        for (const each of opened) await each.close();
        await database.close();
        await dir[Symbol.asyncDispose]();
      },
    };
  };
  return words(await open());
};
