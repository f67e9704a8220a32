import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { tempDir, testDatabase } from "@bulkhead/harness";
import { expect, it } from "vitest";
import { serve } from "./serve.ts";

/** Asks over HTTPS, trusting that certificate alone. */
const ask = (url: string, ca: string): Promise<{ status: number | undefined; text: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { ca, servername: "localhost" }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, text }));
    });
    asked.on("error", reject);
    asked.end();
  });

it(
  "speaks HTTPS with a certificate and its key, and nothing else on that port",
  { timeout: 60_000 },
  async () => {
    await using dir = await tempDir();
    const [cert, key] = [join(dir.path, "cert.pem"), join(dir.path, "key.pem")];
    const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    const curve = "ec_paramgen_curve:P-256";
    execFileSync(
      "openssl",
      `req -x509 -newkey ec -pkeyopt ${curve} -nodes -subj /CN=localhost -addext ${names} -days 2`
        .split(" ")
        .concat("-keyout", key, "-out", cert),
      { stdio: "ignore" },
    );
    const database = await testDatabase();
    const silent = { out: () => undefined, err: () => undefined };
    const common = { port: 0, dataDir: join(dir.path, "data"), databaseUrl: database.url };
    await expect(serve({ ...common, tlsCert: cert }, silent)).rejects.toThrow("--tls-key");
    const server = await serve({ ...common, tlsCert: cert, tlsKey: key }, silent);
    try {
      expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:/);
      const answer = await ask(`${server.url}/health`, await readFile(cert, "utf8"));
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        200,
        expect.objectContaining({ status: "ok" }),
      ]);
      await expect(fetch(`${server.url.replace("https", "http")}/health`)).rejects.toThrow();
    } finally {
      await server.close();
      await database.close();
    }
  },
);
