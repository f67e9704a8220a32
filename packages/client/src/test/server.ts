import { bulkhead, tempDir, testDatabase } from "@bulkhead/harness";
import { RemoteFS } from "../index.ts";

/** A real server in a process of its own. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly platform: RemoteFS;
  /** Makes a tenant and a key bound to its workspace. */
  readonly tenant: (id: string) => Promise<{ readonly fs: RemoteFS; readonly key: string }>;
}

export const platformKey = "platform-key-of-the-tests-0123456789";

export const testServer = async (): Promise<TestServer> => {
  const [folder, database] = await Promise.all([tempDir(), testDatabase()]);
  const server = bulkhead(
    ["serve", "--port", "0", "--data-dir", folder.path, "--database-url", database.url],
    { env: { BULKHEAD_PLATFORM_KEY: platformKey } },
  );
  const url = await server.url();
  const platform = new RemoteFS({ url, apiKey: platformKey });
  return {
    url,
    platform,
    tenant: async (id) => {
      await platform.tenants.create({ id });
      const { key } = await platform.keys.create({ name: id, workspacePrefix: `/workspace/${id}` });
      if (key === null) throw new Error("A first answer holds the secret.");
      return { key, fs: new RemoteFS({ url, apiKey: key }) };
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await database.close();
      await folder.remove();
    },
  };
};
