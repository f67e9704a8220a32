import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileError, parseBackendPath, parseVirtualPath } from "@bulkhead/contract";
import { frameRoom } from "@bulkhead/backend-versioned";
import { local } from "@bulkhead/backend-local";
import { query, tempDir, testDatabase, waitFor } from "@bulkhead/harness";
import { bytesBody, plainContext, textBody } from "@bulkhead/kit";
import { migrate, openLedger } from "@bulkhead/ledger";
import { expect, it, onTestFinished } from "vitest";
import { openVersioned, scrubVersioned, type VersionedRequest } from "./open-versioned.ts";
import { startScrub } from "./start-scrub.ts";

const path = parseBackendPath;

/** Turns one bit of the only file below a folder. */
const flip = async (folder: string): Promise<void> => {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const blobs = names.filter(({ name }) => /^[0-9a-f-]{36}$/.test(name));
  expect(blobs).toHaveLength(1);
  const file = join(blobs[0]?.parentPath ?? "", blobs[0]?.name ?? "");
  const bytes = await readFile(file);
  bytes[100] = (bytes[100] ?? 0) ^ 4;
  await writeFile(file, bytes);
};

it("names what is damaged in storage and rows, once a day by one process, and goes on past what cannot be read", async () => {
  const database = await testDatabase({ migrate });
  onTestFinished(() => database.close());
  await using dir = await tempDir();
  const ledger = await openLedger({ url: database.url, masterKeyFingerprint: "f".repeat(32) });
  onTestFinished(() => ledger.close());
  const create = async (id: string): Promise<string> =>
    (
      await ledger.tenants.create(plainContext().settlement, {
        id,
        name: id,
        root: parseVirtualPath(`/workspace/${id}`),
        placement: "versioned",
        subdomain: undefined,
        allowedRegions: undefined,
        limits: {},
        settings: {},
      })
    ).uid;
  const requestOf = (uid: string): VersionedRequest => ({
    mount: `root:${uid}`,
    spec: { backend: "versioned", options: {}, durability: "relaxed", readOnly: false },
    root: join(dir.path, uid),
    tenant: () => uid,
    trees: ledger.trees,
    room: frameRoom(),
    ledgerRegion: undefined,
    openContent: async () => {
      const backend = await local({ root: join(dir.path, uid), durability: "relaxed" });
      return { backend, sweep: backend.sweep };
    },
  });
  const [broken, sound, closed] = [
    await create("broken"),
    await create("sound"),
    await create("closed"),
  ];
  for (const uid of [broken, sound]) {
    const backend = openVersioned(requestOf(uid));
    const ctx = { ...plainContext(), settlement: { ...plainContext().settlement, tenant: uid } };
    await backend.write(ctx, path("large"), bytesBody(new Uint8Array(20_000)));
    await backend.write(ctx, path("small"), textBody("small"));
    await backend.close();
  }
  await flip(join(dir.path, broken));
  await query(
    database.url,
    "update bulkhead.node_version set inline = 'smalL' where tenant = $1 and inline is not null",
    [broken],
  );

  const told: string[] = [];
  const { roots } = await ledger.roots.all();
  const start = (): (() => Promise<void>) =>
    startScrub({
      leases: ledger.leases,
      roots: { all: () => roots, stored: () => new Map() },
      templates: {
        storedTrees: { scrub: () => Promise.resolve([]) },
        scrub: (root, signal) =>
          root.tenant.uid === closed
            ? Promise.reject(new FileError("unavailable", "Its disk is gone."))
            : scrubVersioned(requestOf(root.tenant.uid), signal),
      },
      log: (event, { root, fault, error }) =>
        told.push(`${event} ${String(root)} ${String(fault ?? error)}`),
      lookMs: 20,
    });
  const stops = [start(), start()];
  const expected = [
    "damaged /workspace/broken changed",
    "damaged /workspace/broken changed",
    "scrub-failed /workspace/closed Its disk is gone.",
  ];
  await waitFor(() => told.length >= expected.length);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(told.toSorted()).toEqual(expected);

  // A day later.
  await query(database.url, "update bulkhead.lease set until = bulkhead.now()");
  await waitFor(() => told.length >= 2 * expected.length);
  await Promise.all(stops.map((stop) => stop()));
  expect(told.toSorted()).toEqual([...expected, ...expected].toSorted());
});
