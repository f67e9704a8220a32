import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseConfig } from "@bulkhead/server";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { blocksOf } from "./blocks.ts";
import { top } from "./process.ts";

const guide = await readFile(join(top, "docs/guide/buckets.md"), "utf8");
const configurations = blocksOf(guide)
  .filter(({ language }) => language === "yaml")
  .map(({ text }) => parseConfig(parse(text)));
const compose: {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly command?: string | readonly string[];
        readonly environment?: Readonly<Record<string, string | null>>;
        readonly ports?: readonly string[];
        readonly profiles?: readonly string[];
      }
    >
  >;
} = parse(await readFile(join(top, "docker-compose.yml"), "utf8"), { merge: true });

test("docker-compose.yml has the stores, regions, buckets and ports that the guide names", () => {
  const [first] = configurations;
  const placements = Object.values(first?.placements ?? {});
  expect(placements).toHaveLength(2);
  const buckets = String(compose.services["buckets"]?.command);
  for (const { region, options } of placements) {
    const { hostname, port } = new URL(options.s3?.endpoint ?? "");
    const store = compose.services[hostname];
    expect(store?.command).toEqual(["--port", `:${port}`, "--region", region, "posix", "/data"]);
    expect(buckets).toContain(
      `make ${typeof region === "string" ? region : ""} ${hostname} ${options.s3?.bucket ?? ""};`,
    );
    expect(store?.profiles).toEqual(["buckets"]);
    // What the server is given is what the store asks for.
    const { S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } =
      compose.services["bulkhead"]?.environment ?? {};
    expect(store?.environment).toEqual({
      ROOT_ACCESS_KEY: S3_ACCESS_KEY_ID,
      ROOT_SECRET_KEY: S3_SECRET_ACCESS_KEY,
    });
    const [published = ""] = store?.ports ?? [];
    expect(guide).toContain(/:(\d+):/.exec(published)?.[1]);
  }
  expect(guide).toContain("docker compose --profile buckets up");
});

test("the mount that the guide shows is one", () => {
  expect(configurations[1]?.mounts).toMatchObject([{ backend: "s3", tenant: "acme" }]);
});
