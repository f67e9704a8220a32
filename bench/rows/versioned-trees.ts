import { query } from "@bulkhead/harness";
import { bytesBody } from "@bulkhead/kit";
import { openLedger } from "@bulkhead/ledger";
import { durablePostgres } from "../durable-postgres.ts";
import { alternate, elapsed, throughput } from "../measure.ts";
import { type Bench, most } from "../row.ts";
import { at, benchTenant, type BenchTenant } from "../tenants.ts";

const copied = 10_000;
const few = 1000;
const many = 1_000_000;

/** Empty files by one statement, as the cluster's superuser: what is measured is how many lie there. */
const fill = `
  insert into bulkhead.node (tree, parent, sort_key, id, tenant, version, size, digest, created_at, modified_at)
  select d.tree, d.id, 'f' || lpad(i::text, 8, '0'), gen_random_uuid(), d.tenant, 1, 0, decode('00', 'hex'), now(), now()
  from bulkhead.node d, generate_series(1, $3::integer) i
  where d.tree = $1::uuid and d.parent = d.tree and d.sort_key = $2`;

/** What does not grow with the number of entries: a page, a rename; and a copy, which moves no bytes. */
export const versionedTrees: Bench = {
  name: "versioned-trees",
  run: async ({ rounds, commitDelay }) => {
    await using postgres = await durablePostgres(commitDelay);
    const ledger = await openLedger({ url: postgres.url, masterKeyFingerprint: "bench" });
    try {
      const tenant = await benchTenant(ledger, postgres.folder);
      const { store, tree, request } = tenant;
      const directory = async (name: string, entries: number): Promise<void> => {
        await store.mkdir(request(), at(name));
        await query(postgres.url, fill, [tree.id, `${name}/`, entries]);
      };
      await directory("few", few);
      await directory("many", many);
      await directory("ten", 10);
      await directory("hundred-thousand", 100_000);
      await query(postgres.url, "vacuum analyze bulkhead.node");
      await writeTree(tenant, "tree", copied);

      const page = (name: string, entries: number) => (): Promise<number> =>
        throughput(1, 500, (_, turn) =>
          store.list(request(), at(name), {
            limit: 100,
            after: `f${String((turn * 9973) % (entries - 200)).padStart(8, "0")}`,
          }),
        );
      const [fewPages = 0, manyPages = 0] = await alternate(rounds, [
        page("few", few),
        page("many", many),
      ]);

      let n = 0;
      const rename = (name: string) => async (): Promise<number> => {
        const to = `${name}-${(n += 1)}`;
        const took = await elapsed(() => store.move(request(), at(name), at(to)));
        await store.move(request(), at(to), at(name));
        return took;
      };
      const [small = 0, large = 0] = await alternate(rounds * 3, [
        rename("ten"),
        rename("hundred-thousand"),
      ]);
      const [copy = 0] = await alternate(rounds, [
        () => elapsed(() => store.copy(request(), at("tree"), at(`copy-${(n += 1)}`))),
      ]);
      return [
        {
          name: "page of 100 of 1,000,000 entries",
          unit: "1/s",
          value: manyPages,
          baseline: { name: "of 1,000 entries", value: fewPages },
          ratio: manyPages / fewPages,
          goals: [{ of: "ratio", bound: "least", number: 0.8 }],
        },
        { name: "rename of a directory of 10", unit: "ms", value: small, goals: [most(5)] },
        { name: "rename of a directory of 100,000", unit: "ms", value: large, goals: [most(5)] },
        { name: "copy of a tree of 10,000 files", unit: "ms", value: copy, goals: [most(200)] },
      ];
    } finally {
      await ledger.close();
    }
  },
};

const writeTree = async (
  { store, request }: BenchTenant,
  name: string,
  files: number,
): Promise<void> => {
  const content = bytesBody(new Uint8Array(16));
  const each = 16;
  await Promise.all(
    Array.from({ length: each }, async (_, caller) => {
      for (let i = caller; i < files; i += each)
        await store.write(request(), at(`${name}/d${i % 100}/f${i}`), content);
    }),
  );
};
