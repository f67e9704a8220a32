import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { bulkhead, query, type RunningBulkhead, tempDir, testDatabase } from "@bulkhead/harness";
import { migrate } from "@bulkhead/ledger";
import { describe, expect, it } from "vitest";
import { hasCompiler, unsyncedDisk } from "../shim/unsynced-disk.ts";
import { type Connection, connection } from "./connection.ts";
import { type Placement, placements, type Sync, syncs } from "./syncs.ts";

const text = (name: string): string => `${name}:`.repeat(4000);

/** Each operation once, each in a directory that no later one syncs, and what then has to be there. */
const work = async (over: Connection): Promise<ReadonlyMap<string, string>> => {
  const expected = new Map<string, string>();
  const put = async (path: string, content = text(path)): Promise<void> => {
    const { status } = await over.send("PUT", `/v1/files${path}`, { body: content });
    expect(status, path).toBeLessThan(300);
    expected.set(path, content);
  };
  const post = (what: string, body: unknown) => over.send("POST", `/v1/${what}`, { body });
  const done = async (sent: ReturnType<Connection["send"]>): Promise<void> => {
    const { status, text: said } = await sent;
    expect(status, said).toBeLessThan(300);
  };
  for (const path of ["/over/f", "/more/f", "/gone/f", "/gone/d/f", "/from/f", "/from/d/f", "/c/f"])
    await put(path);
  await put("/new/a/b/f");
  await put("/new/f");
  await put("/over/f", text("another"));
  await done(over.send("POST", "/v1/append/more/f", { body: "and more" }));
  expected.set("/more/f", `${text("/more/f")}and more`);
  await done(post("mkdir", { path: "/to" }));
  await done(post("copy", { from: "/c/f", to: "/copied" }));
  expected.set("/copied", text("/c/f"));
  await done(post("copy", { from: "/c", to: "/tree" }));
  expected.set("/tree/f", text("/c/f"));
  await done(post("move", { from: "/from/f", to: "/to/f" }));
  await done(post("move", { from: "/from/d", to: "/to/d" }));
  for (const name of ["f", "d/f"]) {
    expected.set(`/to/${name}`, text(`/from/${name}`));
    expected.delete(`/from/${name}`);
  }
  for (const name of ["f", "d"])
    await done(over.send("DELETE", `/v1/files/gone/${name}?recursive=true`));
  for (const name of ["f", "d/f"]) expected.delete(`/gone/${name}`);
  return expected;
};

/** What stands there. */
const standing = async (over: Connection): Promise<ReadonlyMap<string, string>> => {
  const listed = await over.must(200, "GET", "/v1/list/?recursive=true&limit=1000");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the answer of /list
  const { entries } = JSON.parse(listed.text) as { entries: { path: string; kind: string }[] };
  const found = new Map<string, string>();
  for (const { path, kind } of entries)
    if (kind === "file") found.set(path, (await over.send("GET", `/v1/files${path}`)).text);
  return found;
};

/** Works, is killed as its power fails, starts again: answers what is not as it was answered. */
const lost = async (placement: Placement, without?: Sync): Promise<readonly string[]> => {
  await using ends = new AsyncDisposableStack();
  const dir = ends.use(await tempDir());
  const disk = await unsyncedDisk(dir.path);
  const database = await testDatabase({ migrate });
  ends.defer(() => database.close());
  const config = join(dir.path, "bulkhead.yaml");
  await writeFile(config, `defaultPlacement: ${placement}\n`);
  const env = {
    ...disk.env,
    HOME: dir.path,
    ...(without !== undefined && {
      NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, "../shim/without.ts")).href}`,
      BULKHEAD_TEST_WITHOUT: JSON.stringify([without.file, without.from, without.to ?? ""]),
    }),
  };
  const start = async (): Promise<{ process: RunningBulkhead; url: string }> => {
    const process = bulkhead(
      [
        "serve",
        "--port",
        "0",
        "--config",
        config,
        "--data-dir",
        join(disk.root, "data"),
        "--database-url",
        database.url,
      ],
      { env, cwd: dir.path },
    );
    ends.use(process);
    return { process, url: await process.url(120_000) };
  };

  const first = await start();
  const platformKey = await platformKeyOf(disk.root);
  const platform = connection(first.url, platformKey);
  let key = "";
  let wanted: ReadonlyMap<string, string> = new Map();
  if (without?.once !== "serving") {
    await platform.must(201, "POST", "/v1/tenants", { body: { id: "acme" } });
    const body = { name: "k", workspacePrefix: "/workspace/acme" };
    key = (await platform.must(201, "POST", "/v1/keys", { body })).member("key");
    const over = connection(first.url, key);
    wanted = await work(over);
    over.close();
  }
  platform.close();
  await first.process.kill("SIGKILL");
  await disk.powerLoss();

  const wrong: string[] = [];
  let second: Awaited<ReturnType<typeof start>>;
  try {
    second = await start();
  } catch (error) {
    return [`it does not start: ${error instanceof Error ? error.message : String(error)}`];
  }
  if ((await platformKeyOf(disk.root).catch(() => "")) !== platformKey)
    wrong.push("the platform's key is another");
  if (key === "") return wrong;
  const again = connection(second.url, key);
  try {
    const found = await standing(again);
    const say = (content: string | undefined): string => content?.slice(0, 60) ?? "nothing";
    for (const path of new Set([...wanted.keys(), ...found.keys()]))
      if (wanted.get(path) !== found.get(path))
        wrong.push(`${path}: ${say(found.get(path))}, not ${say(wanted.get(path))}`);
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
  again.close();
  if (wrong.length > 0) return wrong;
  expect(await query(database.url, "select id from bulkhead.intent")).toEqual([]);
  const sizes = [...wanted.values()].map((content) => content.length);
  expect(
    await query(
      database.url,
      "select h.used::int, h.files::int from bulkhead.tenant_head h join bulkhead.tenant t on t.uid = h.uid",
    ),
  ).toEqual([{ used: sizes.reduce((sum, one) => sum + one, 0), files: sizes.length }]);
  return wrong;
};

const platformKeyOf = async (root: string): Promise<string> =>
  (await readFile(join(root, "data", "platform-key"), "utf8")).trim();

const withoutEach = process.env["BULKHEAD_POWER_ALL"] === "1";

describe.skipIf(!hasCompiler() && process.env["CI"] !== "true")(
  "a disk that forgets what was not synced, as its power fails [needs a C compiler]",
  { timeout: 180_000 },
  () => {
    it("keeps all that was answered, on plain and on versioned storage", async () => {
      expect(await Promise.all(placements.map((one) => lost(one)))).toEqual([[], []]);
    });

    it.each(withoutEach ? syncs : [])("loses something without the sync $name", async (sync) => {
      const wrong = await lost(sync.on ?? "local", sync);
      console.info(`without the sync ${sync.name}: ${wrong[0]?.slice(0, 120) ?? "nothing"}`);
      expect(wrong).not.toEqual([]);
    });
  },
);
