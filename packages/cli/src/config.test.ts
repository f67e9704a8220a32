import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TempDir, tempDir } from "@bulkhead/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Outcome, runCli } from "./test/session.ts";

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir();
});
afterAll(() => folder.remove());

const config = async (
  text: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> => {
  await writeFile(join(folder.path, "b.yaml"), text);
  return runCli(["config", ...argv], {
    cwd: folder.path,
    env: { BULKHEAD_CONFIG: "b.yaml", ...env },
  });
};

test("every fault is named with its line, its place and what would do", async () => {
  const faulty = `prot: 1
placements:
  a:
    backend: tape
  b:
    backend: local
    options: { rot: x }
mounts:
  - path: /x
    backend: local
    colour: red
`;
  const { code, out, err } = await config(faulty, ["validate"]);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  const lines = err.split("\n");
  for (const [line, what] of [
    [1, "prot: there is no such setting; did you mean 'port'?"],
    [4, "placements.a.backend: "],
    [7, "placements.b.options.rot: there is no such setting; did you mean 'root'?"],
    [11, "mounts.0.colour: there is no such setting; here are: backend, durability, "],
  ] as const)
    expect(lines.some((said) => said.includes(`b.yaml:${line}: ${what}`))).toBe(true);

  const faults: readonly (readonly [string, string])[] = [
    ["host: a\nport: [1\n", "b.yaml:3: "],
    ["host: a\nregion: ${NOWHERE}\n", "b.yaml:2: region: ${NOWHERE}: the variable is not set"],
    ["# a\ndefaultPlacement: gold\n", "b.yaml:2: defaultPlacement: there is no placement 'gold'"],
    ["mounts:\n  - path: /x\n    backend: local\n", "b.yaml:2: mounts.0: /x is local and needs"],
    ["\ndefaultPlan: gold\n", "b.yaml:2: defaultPlan: there is no plan 'gold'; there are: free,"],
    ["tls: { cert: /none, key: /none }\n", "tls.key: /none cannot be read (ENOENT)"],
  ];
  for (const [text, said] of faults)
    expect((await config(text, ["validate"])).err, text).toContain(said);

  const json = await config(faulty, ["validate", "--json"]);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.err)).toMatchObject({ error: { code: "local" } });
  const good = await config("port: 1\n", ["validate"]);
  expect(good).toMatchObject({ code: 0, err: "" });
  expect(good.out).toContain("b.yaml is valid.");
});

test("what is in effect says where it is from, and no secret of it", async () => {
  const text = `port: 1
databaseUrl: postgres://me:sec-1@db/x?sslpassword=sec-2
placements:
  own:
    backend: postgres
    options: { adminUrl: "postgresql://root:sec-3/@:4@db/y" }
    provisioning: { sql: ["create role x password 'sec-4'"] }
  sql:
    backend: s3
    options:
      s3: { bucket: files, accessKeyId: "\${ID:-me}", secretAccessKey: "\${SECRET}", sessionToken: sec-5 }
traces: { endpoint: "http://u:sec-6@spans/?api_key=sec-7" }
defaultPlacement: own
`;
  const env = {
    SECRET: "sec-8",
    BULKHEAD_HOST: "0.0.0.0",
    BULKHEAD_PLATFORM_KEY: "sec-9".repeat(9),
  };
  for (const flags of [[], ["--json"]]) {
    const { code, out, err } = await config(text, ["print", "--port", "0", ...flags], env);
    expect(code, err).toBe(0);
    expect(out + err).not.toContain("sec-");
  }
  const { out } = await config(text, ["print", "--port", "0", "--json"], env);
  const settings: readonly {
    readonly setting: string;
    readonly value: unknown;
    readonly from: string;
  }[] = JSON.parse(out).settings;
  const at = (name: string): readonly unknown[] | undefined => {
    const found = settings.find(({ setting }) => setting === name);
    return found && [found.value, found.from.replace(/^.*\//, "")];
  };
  expect(at("port")).toEqual([0, "--port"]);
  expect(at("host")).toEqual(["0.0.0.0", "BULKHEAD_HOST"]);
  expect(at("databaseUrl")).toEqual(["postgres://me:***@db/x?sslpassword=***", "b.yaml:2"]);
  expect(at("placements.own.options.adminUrl")).toEqual(["postgresql://root:***@db/y", "b.yaml:6"]);
  expect(at("placements.sql.options.s3.accessKeyId")).toEqual(["me", "b.yaml:11 ${ID}"]);
  expect(at("placements.sql.options.s3.secretAccessKey")).toEqual(["***", "b.yaml:11 ${SECRET}"]);
  expect(at("placements.sql.backend")).toEqual(["s3", "b.yaml:9"]);
  expect(at("shutdownGraceSeconds")).toEqual([30, "default"]);
});
