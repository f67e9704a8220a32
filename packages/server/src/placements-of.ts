import { readFile } from "node:fs/promises";
import type { PlacementSpec } from "@bulkhead/engine";
import type { Config } from "./config-schema.ts";
import type { PlacementConfig } from "./config-storage.ts";

/** The SQL of a placement as one text, its file read. Rejects with a sentence that names the file. */
const sqlOf = async ({ provisioning }: PlacementConfig): Promise<string | undefined> => {
  if (provisioning === undefined) return undefined;
  const { sql = [], file } = provisioning;
  const statements = typeof sql === "string" ? [sql] : [...sql];
  if (file !== undefined)
    statements.push(
      await readFile(file, "utf8").catch((error: unknown) => {
        throw new Error(`The provisioning SQL in ${file} cannot be read.`, { cause: error });
      }),
    );
  return statements.map((one) => `${one}\n;`).join("\n");
};

/** The configuration's placements as the engine takes them. */
export const placementsOf = async (
  config: Config,
): Promise<Readonly<Record<string, PlacementSpec>>> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(config.placements).map(async ([name, placement]) => {
        const { provisioning: _, ...spec } = placement;
        const buckets = placement.provisioning?.buckets;
        return [name, { ...spec, provisioningSql: await sqlOf(placement), buckets }] as const;
      }),
    ),
  );
