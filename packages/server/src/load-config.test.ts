import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { tempDir } from "@bulkhead/harness";
import { describe, expect, it } from "vitest";
import { type Config, configJsonSchema } from "./config-schema.ts";
import { loadConfig } from "./load-config.ts";

const load = async (
  text: string,
  env: Readonly<Record<string, string>> = {},
  overrides: Parameters<typeof loadConfig>[1] = {},
): Promise<Config & { readonly folder: string }> => {
  await using dir = await tempDir();
  const file = join(dir.path, "bulkhead.yaml");
  await writeFile(file, text);
  return { ...(await loadConfig(file, overrides, env)), folder: dir.path };
};
const faults = async (
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> => {
  try {
    await load(text, env);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("The configuration was taken.");
};

describe("bulkhead.yaml", () => {
  it("has a sensible default for everything", async () => {
    const config = await loadConfig(undefined, {}, {});
    expect(config).toMatchObject({
      host: "127.0.0.1",
      port: 2026,
      dataDir: resolve("data"),
      namespaceRoots: ["workspace", "tenants"],
      defaultPlacement: "versioned",
      mounts: [],
    });
    expect(config.databaseUrl).toBeUndefined();
    expect(config.placements["versioned"]).toMatchObject({ backend: "versioned" });
    expect(config.placements["local"]).toMatchObject({
      backend: "local",
      durability: "strict",
      readOnly: false,
    });
  });

  it("is overruled by flags; an empty file changes nothing", async () => {
    expect(await load("port: 1\nhost: 0.0.0.0\n", {}, { port: 2, dataDir: "/x" })).toMatchObject({
      port: 2,
      host: "0.0.0.0",
      dataDir: "/x",
    });
    expect(await load("")).toMatchObject({ port: 2026 });
    expect(await load("# nothing but a comment\n")).toMatchObject({ port: 2026 });
  });

  it("names the place of every fault, and knows no other keys", async () => {
    expect(await faults("prot: 1")).toContain("prot");
    expect(await faults("port: many\nhost: 3")).toMatch(/host: .*\n.*port: /);
    expect(await faults("mounts:\n  - path: /x\n    backend: tape")).toContain("mounts.0.backend");
    expect(await faults("mounts:\n  - path: /x\n    backend: local\n    colour: red")).toContain(
      "colour",
    );
    expect(await faults("mounts:\n  - path: /x\n    backend: local")).toContain("options.root");
    expect(await faults("defaultPlacement: gold")).toContain("gold");
    expect(await faults("databaseUrl: mysql://x")).toContain("postgres://");
    expect(await faults("a: [")).toContain("not valid");
    expect(
      await faults("placements:\n  p:\n    backend: local\n    region: { attested: 3 }"),
    ).toContain("region");
  });

  it("fills in variables after parsing, so that their content is never structure", async () => {
    const env = { PORT: "8080", EVIL: "x\nport: 1", EMPTY: "" };
    expect(await load("port: ${PORT}", env)).toMatchObject({ port: 8080 });
    expect(await load("host: ${HOST:-localhost}", env)).toMatchObject({ host: "localhost" });
    expect(await load("host: ${EMPTY:-localhost}", env)).toMatchObject({ host: "localhost" });
    expect(await load("host: a-${PORT}-b", env)).toMatchObject({ host: "a-8080-b" });
    expect(await load("host: ${EVIL}", env)).toMatchObject({ host: "x\nport: 1", port: 2026 });
    expect(await faults("host: ${MISSING}", env)).toContain("${MISSING}");
    expect(await load("region: ${R:-}\nhost: h", { R: "eu" })).toMatchObject({ region: "eu" });
  });

  it("takes folders relative to the file", async () => {
    const config = await load(
      "dataDir: state\nmounts:\n  - { path: /x, backend: local, options: { root: ../archive } }",
    );
    expect(config.dataDir).toBe(join(config.folder, "state"));
    expect(config.mounts[0]?.options.root).toBe(resolve(config.folder, "../archive"));
  });

  it("wants tenants' buckets to be reached by a backend of buckets that has credentials", async () => {
    const text = (bucket: string, backend = "store") => `
backends: { store: { backend: s3, options: { s3: { ${bucket} } } }, shelf: { backend: memory } }
placements: { p: { backend: memory, provisioning: { buckets: { backend: ${backend} } } } }
defaultPlacement: p`;
    const keys = "accessKeyId: a, secretAccessKey: s";
    const place = "placements.p.provisioning.buckets.backend";
    expect(await faults(text(keys, "none"))).toContain(`${place}: there is no backend 'none'`);
    expect(await faults(text(keys, "shelf"))).toContain(`${place}: 'shelf' has to be of buckets`);
    expect(await faults(text(""))).toContain(`${place}: 'store' has to be of buckets`);
    const { placements } = await load(text(keys));
    expect(placements["p"]?.provisioning?.buckets).toEqual({
      backend: "store",
      names: ["uploads", "assets", "backups"],
      prefix: "",
    });
    const twice = text(keys).replace("backend: store }", "backend: store, names: [a, a] }");
    expect(await faults(twice)).toContain("names one twice");
  });

  it("says what is wrong with an alias, of nothing or without end", async () => {
    expect(await faults("host: *nobody")).toMatch(/bulkhead\.yaml: .*nobody/);
    expect(await faults("&a\nhost: *a\n")).toMatch(/bulkhead\.yaml: an alias stands for/);
    const doubled = Array.from(
      { length: 9 },
      (_, i) => `- &a${i + 1} [*a${i},*a${i},*a${i},*a${i}]`,
    );
    expect(await faults(`- &a0 [1,2,3]\n${doubled.join("\n")}\n`)).toMatch(
      /bulkhead\.yaml: .*alias/i,
    );
  });
  it("says which file cannot be read", async () => {
    await using dir = await tempDir();
    await mkdir(join(dir.path, "folder"));
    await expect(loadConfig(join(dir.path, "none.yaml"), {}, {})).rejects.toThrow("none.yaml");
    await expect(loadConfig(join(dir.path, "folder"), {}, {})).rejects.toThrow("folder");
  });

  it("has a JSON Schema that refuses unknown keys", () => {
    expect(configJsonSchema()).toMatchObject({
      type: "object",
      additionalProperties: false,
      properties: { port: { default: 2026, description: expect.any(String) } },
    });
  });
});
