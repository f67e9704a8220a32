import { encodePath, parseRequestPath } from "@bulkhead/contract";
import { listPage } from "@bulkhead/wire";
import { api, type Api } from "../support/api.ts";
import { Mismatch } from "./compare.ts";
import { everything, isDirectory, lookUp } from "./files.ts";
import type { World } from "./model.ts";
import type { Names } from "./names.ts";
import { used } from "./room.ts";
import { isInside, names as namesOf, spell } from "./place.ts";
import type { System } from "./system.ts";

/** The ETags that were seen, and with which content of the model. */
export interface KnownEtags {
  /** By place, as of the latest look. */
  readonly present: Map<string, { readonly etag: string; readonly stamp: number }>;
  /** By place and ETag, since the beginning. */
  readonly ever: Map<string, number>;
  /** The roots that there were: what is gone is looked for, too. */
  readonly roots: Set<string>;
}

export const noEtags = (): KnownEtags => ({
  present: new Map(),
  ever: new Map(),
  roots: new Set(),
});

/** A place, and what the system says lies below it; undefined where it says that there is nothing. */
const inventory = async (platform: Api, root: string) => {
  const target = `/v1/list${encodePath(parseRequestPath(root))}?recursive=true`;
  const answer = await platform.send("GET", target);
  return answer.status === 404 ? undefined : listPage.parse(answer.json).entries;
};

/** How closely is looked: at the roots that are named, else at all; and at contents, too. */
export interface Look {
  readonly roots?: ReadonlySet<string>;
  readonly contents?: boolean;
}

/** Every root of a run: the platform's ground, and what its tenants have or may get. */
export const rootsOf = ({ ground, ids }: Names): readonly string[] => [
  `/${ground}`,
  ...ids.flatMap((id) => [`/workspace/${id}`, `/tenants/${id}`]),
];

/**
 * Compares what lies in every tenant, and on the platform's ground, with the model: names, sizes, that an ETag is
 * another exactly where the content may be, and, where asked, the content.
 */
export const checkFiles = async (
  system: System,
  world: World,
  names: Names,
  etags: KnownEtags,
  { roots, contents = false }: Look = {},
): Promise<void> => {
  const platform = api(system.url(), system.platformKey);
  const wanted = rootsOf(names).filter(
    (root) =>
      roots?.has(root) !== false &&
      (typeof lookUp(world.tree, namesOf(root)) !== "string" || etags.roots.has(root)),
  );
  const seen = await Promise.all(wanted.map((root) => inventory(platform, root)));
  const contained: (readonly [path: string, content: string])[] = [];
  const before = new Map(etags.present);
  for (const path of before.keys())
    if (wanted.some((root) => isInside(root, path))) etags.present.delete(path);
  for (const [i, root] of wanted.entries()) {
    const node = lookUp(world.tree, namesOf(root));
    etags.roots.add(root);
    const modelled = typeof node === "string" || !isDirectory(node) ? undefined : everything(node);
    const stored = seen[i];
    const model = modelled?.map((entry) => ({
      path: `${root}${spell(entry.names)}`,
      size: isDirectory(entry.node) ? 0 : Buffer.byteLength(entry.node.content),
    }));
    const system = stored?.map(({ path, size }) => ({ path, size }));
    if (JSON.stringify(model) !== JSON.stringify(system))
      throw new Mismatch(`${root} holds ${JSON.stringify(system)}, not ${JSON.stringify(model)}.`);
    for (const [j, entry] of (modelled ?? []).entries()) {
      const { path = "", etag = null } = stored?.[j] ?? {};
      if (isDirectory(entry.node)) continue;
      if (etag === null) throw new Mismatch(`${path} has no ETag.`);
      const known = before.get(path);
      if (known !== undefined && (known.stamp === entry.node.stamp) !== (known.etag === etag))
        throw new Mismatch(
          `${path} has ${known.etag === etag ? "the same ETag with other" : "another ETag with the same"} content.`,
        );
      const earlier = etags.ever.get(`${path} ${etag}`) ?? entry.node.stamp;
      if (earlier !== entry.node.stamp)
        throw new Mismatch(`${path} has an ETag that other content had there before.`);
      etags.ever.set(`${path} ${etag}`, earlier);
      etags.present.set(path, { etag, stamp: entry.node.stamp });
      if (contents) contained.push([path, entry.node.content]);
    }
  }
  await Promise.all(
    contained.map(async ([path, content]) => {
      const { text } = await platform.send("GET", `/v1/files${encodePath(parseRequestPath(path))}`);
      if (text !== content) throw new Mismatch(`${path} holds ${text}, not ${content}.`);
    }),
  );
};

/** Compares what each tenant is charged with with what the model has of it. */
export const checkUsed = async (system: System, world: World): Promise<void> => {
  const charged = await system.used([...world.tenants.keys()]);
  for (const tenant of world.tenants.values()) {
    const [has, pays] = [used(world, tenant), charged.get(tenant.id)];
    if (pays?.bytes !== has.bytes || pays.files !== has.files)
      throw new Mismatch(
        `${tenant.id} is charged with ${JSON.stringify(pays)}, and has ${JSON.stringify(has)}.`,
      );
  }
};

/** Compares how many successes are on record with how many mutations there were, by the ids of their requests. */
export const checkRecorded = async (
  system: System,
  recorded: ReadonlyMap<string, number>,
): Promise<void> => {
  const ids = [...recorded.keys()].flatMap((key) => key.split(" "));
  const successes = Map.groupBy(
    (await system.audited(ids)).filter(([, result]) => result === "SUCCESS"),
    ([id]) => id,
  );
  for (const [key, wanted] of recorded) {
    const found = key.split(" ").reduce((sum, id) => sum + (successes.get(id)?.length ?? 0), 0);
    if (found !== wanted)
      throw new Mismatch(`${found} successes are on record where ${wanted} should be (${key}).`);
  }
};
