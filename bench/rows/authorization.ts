import { rm, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Context, parseRequestPath } from "@bulkhead/contract";
import { type Engine, openEngine } from "@bulkhead/engine";
import { bytesBody } from "@bulkhead/kit";
import { openLedger } from "@bulkhead/ledger";
import { durablePostgres } from "../durable-postgres.ts";
import { alternate, elapsed, quantile, throughput } from "../measure.ts";
import { type Bench, most } from "../row.ts";
import { client, served } from "../served.ts";

const callers = 16;
const ms = 1500;

/** The microseconds of CPU that this process spends on one turn of `work`. */
const cpu = async (work: (caller: number) => Promise<unknown>): Promise<number> => {
  const begun = process.cpuUsage();
  const at = performance.now();
  const rate = await throughput(callers, ms, work);
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / ((rate * (performance.now() - at)) / 1000);
};

const platformKey = "operator-operator-operator-operator";

const asking = (engine: Engine, key: string): Promise<Context> =>
  engine.control.authenticate({
    key,
    address: "127.0.0.1",
    front: "bench",
    requestId: "bench",
    signal: new AbortController().signal,
    cut: () => undefined,
  });

/** What deciding costs: the revision read alone, and a read by relations beside the same read by a prefix. */
const inProcess = async (rounds: number, commitDelay: number): Promise<readonly number[]> => {
  await using postgres = await durablePostgres(commitDelay);
  const dataDir = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const engine = await openEngine({
    databaseUrl: postgres.url,
    dataDir,
    masterKeyFingerprint: "b".repeat(32),
    certificateKey: new Uint8Array(32),
    platformKey,
    region: undefined,
    namespaceRoots: ["workspace", "tenants"],
    placements: {
      memory: { backend: "memory", options: {}, durability: "relaxed", readOnly: false },
    },
    defaultPlacement: "memory",
    mounts: [],
    log: () => undefined,
  });
  const ledger = await openLedger({ url: postgres.url, masterKeyFingerprint: "b".repeat(32) });
  try {
    const operator = (): Promise<Context> => asking(engine, platformKey);
    await engine.control.tenants.create(await operator(), { id: "acme" });
    const path = parseRequestPath("/workspace/acme/one/two/three/four/file");
    await engine.control.session.write(await operator(), path, bytesBody(new Uint8Array(16)));
    await engine.control.users.create(await operator(), "acme", { id: "alice" });
    await engine.control.relations.grant(await operator(), {
      subject: "user:alice",
      subjectTenant: "acme",
      relation: "viewer",
      object: "file:/workspace/acme/one/two",
    });
    const mint = async (input: object): Promise<Context> =>
      asking(
        engine,
        (await engine.control.keys.mint(await operator(), { tenant: "acme", name: "k", ...input }))
          .key,
      );
    const capability = await mint({ workspacePrefix: "/workspace/acme" });
    const identity = await mint({ subject: { type: "user", id: "alice" } });
    const reading = (ctx: Context) => (): Promise<number> =>
      cpu(async () => {
        await using result = await engine.control.session.read(ctx, path);
        return result.stat;
      });
    const { authority } = ledger;
    const key = await authority.admit(platformKey);
    return await alternate(rounds, [
      reading(capability),
      reading(identity),
      () => cpu(() => authority.readmit(key.principal.keyId)),
    ]);
  } finally {
    await ledger.close();
    await engine.close();
    await rm(dataDir, { recursive: true, force: true });
  }
};

/** Checks over HTTP, one after the other on one connection: the 95th of a hundred in milliseconds, and the server's CPU a check in µs. */
const overTheWire = async (rounds: number, commitDelay: number): Promise<readonly number[]> => {
  await using server = await served(commitDelay);
  await server.api("POST", "/tenants", { id: "acme" });
  await server.api("POST", "/tenants/acme/users", { id: "alice" });
  await server.api("POST", "/relations", {
    subject: "user:alice",
    subjectTenant: "acme",
    relation: "viewer",
    object: "file:/workspace/acme",
  });
  const body = new TextEncoder().encode(
    JSON.stringify({
      subject: "user:alice",
      subjectTenant: "acme",
      permission: "can_read",
      object: "file:/workspace/acme",
    }),
  );
  const one = client(server.url, 1);
  const headers = {
    authorization: `Bearer ${server.platformKey}`,
    "content-type": "application/json",
  };
  try {
    const times = async (): Promise<readonly number[]> => {
      const taken: number[] = [];
      for (let i = 0; i < 500; i++)
        taken.push(
          await elapsed(() => one.send({ method: "POST", path: "/v1/check", headers, body })),
        );
      return taken;
    };
    return await alternate(rounds, [
      async () => quantile(await times(), 0.95),
      () => server.cpu(async () => (await times()).length),
    ]);
  } finally {
    one.close();
  }
};

export const authorization: Bench = {
  name: "authorization",
  run: async ({ rounds, commitDelay }) => {
    const [prefix = 0, relations = 0, revision = 0] = await inProcess(rounds, commitDelay);
    const [p95 = 0, checkCpu = 0] = await overTheWire(rounds, commitDelay);
    return [
      {
        name: "CPU of deciding a read by relations, 16 callers",
        unit: "µs",
        value: relations - prefix,
        goals: [most(15)],
        note: `a read by relations ${relations.toFixed(0)} µs, by a prefix ${prefix.toFixed(0)} µs`,
      },
      {
        name: "CPU of the revision read a request, 16 callers",
        unit: "µs",
        value: revision,
        goals: [most(40)],
      },
      {
        name: "check over HTTP, 1 connection, p95",
        unit: "ms",
        value: p95,
        goals: [most(1)],
        note: `the server's CPU a check ${checkCpu.toFixed(0)} µs`,
      },
    ];
  },
};
