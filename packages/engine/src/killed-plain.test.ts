import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import {
  type Backend,
  parseBackendPath,
  parseVirtualPath,
  type Recovery,
} from "@bulkhead/contract";
import { local } from "@bulkhead/backend-local";
import { s3 } from "@bulkhead/backend-s3";
import {
  query,
  runSource,
  tempDir,
  type TestBucket,
  testBucket,
  testDatabase,
  type TestDatabase,
  testS3,
} from "@bulkhead/harness";
import { plainContext, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import { recount, sweep } from "@bulkhead/settle";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("test/dies-plain.ts", import.meta.url));
const path = parseBackendPath;
const plain = plainContext();

/** What a change leaves: files with their sizes, and where the one grant is. */
const before = { files: ["a/x 3", "a/y 1"], granted: ["a/x"] };
const after = {
  write: { files: ["a/x 7", "a/y 1"], granted: ["a/x"] },
  move: { files: ["b/x 3", "b/y 1"], granted: ["b/x"] },
  remove: { files: [], granted: [] },
} as const;
const cases = [
  ["stream", "begun", before],
  ["write", "granted", before],
  ["write", "done", after.write],
  ["move", "begun", before],
  ["move", "granted", before],
  ["move", "done", after.move],
  ["move", "settled", after.move],
  ["remove", "granted", before],
  ["remove", "done", after.remove],
] as const;

/** There a removal that was granted is owed, and goes on. */
const bucketCases = [
  ["write", "granted", before],
  ["write", "done", after.write],
  ["move", "granted", before],
  ["move", "done", after.move],
  ["remove", "granted", after.remove],
] as const;
const { servers, reason } = await testS3();

describe("kill -9 on plain storage", () => {
  let database: TestDatabase;
  let ledger: Ledger;
  let count = 0;
  let bucket: Promise<TestBucket> | undefined;
  beforeAll(async () => {
    database = await testDatabase({ migrate });
    ledger = await openLedger({ url: database.url, masterKeyFingerprint: "f".repeat(32) });
  });
  afterAll(async () => {
    await ledger.close();
    await database.close();
  });

  /** A storage that is a place of its own, and what a process opens it by. */
  interface Place {
    readonly argument: string;
    readonly open: () => Promise<Backend & Recovery>;
  }

  const leaves = async (
    { argument, open }: Place,
    operation: string,
    step: string,
    left: { readonly files: readonly string[]; readonly granted: readonly string[] },
  ): Promise<void> => {
    const id = `k${(count += 1)}`;
    const { uid } = await ledger.tenants.create(plain.settlement, {
      id,
      name: id,
      root: parseVirtualPath(`/workspace/${id}`),
      placement: "local",
      subdomain: undefined,
      allowedRegions: undefined,
      limits: {},
      settings: {},
    });
    const first = await open();
    await first.write(plain, path("a/x"), textBody("old"));
    await first.write(plain, path("a/y"), textBody("y"));
    await first.close();
    await query(
      database.url,
      `insert into bulkhead.relation (tenant, object_type, object, subject_tenant, subject_type, subject_id,
         subject_relation, role, below_only, created_by)
       values ($1, 'file', $2, $1, 'user', 'alice', '', 'blocked', false, 'test')`,
      [uid, `/workspace/${id}/a/x`],
    );
    const child = runSource(program, [database.url, uid, argument, id, operation, step]);
    expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });

    const again = await open();
    const charging = { accounted: ledger.accounted, backend: again };
    await sweep(plain, ledger.intents, id, again, charging);
    expect(await ledger.intents.pending(id)).toEqual([]);
    const { found, drift } = await recount(plain, again, ledger.accounted, id);
    expect(drift).toEqual({ bytes: 0, files: 0 });
    expect((await ledger.accounted.usage(uid))?.counted).toEqual(found);
    const rows = await query(
      database.url,
      `select a.path || ' ' || a.size as file from bulkhead.accounted a where a.mount = $1 order by a.path`,
      [id],
    );
    expect(rows.map(({ file }) => file)).toEqual(left.files);
    const grants = await query(
      database.url,
      "select substr(object, length($2) + 1) as at from bulkhead.relation where tenant = $1",
      [uid, `/workspace/${id}/`],
    );
    expect(grants.map(({ at }) => at)).toEqual(left.granted);
    await again.close();
  };

  it.each(cases)(
    "in a %s that was %s leaves the old or the new, whole",
    async (operation, step, left) => {
      await using dir = await tempDir();
      const open = (): ReturnType<typeof local> => local({ root: dir.path, durability: "relaxed" });
      await leaves({ argument: dir.path, open }, operation, step, left);
    },
  );

  it.skipIf(reason !== undefined).each(bucketCases)(
    "in a %s of what lies in a bucket that was %s, too",
    async (operation, step, left) => {
      const [server] = servers;
      if (server === undefined) return;
      bucket ??= testBucket(server);
      const options = { ...(await bucket).options, prefix: randomUUID() };
      const open = (): ReturnType<typeof s3> => s3(options);
      await leaves({ argument: JSON.stringify(options), open }, operation, step, left);
    },
  );
});
