import { randomUUID } from "node:crypto";
import { mutating, type Operation, type Request } from "./call.ts";
import { compare, Mismatch } from "./compare.ts";
import type { Coverage } from "./coverage.ts";
import { checkExplained } from "./explained.ts";
import type { Front, Spoken } from "./fronts/front.ts";
import { checkFiles, checkRecorded, checkUsed, noEtags, rootsOf } from "./invariants.ts";
import { jobOf } from "./job-of.ts";
import { createLeaks } from "./leaks.ts";
import { answer, emptyWorld, platformName, type Prediction, type World } from "./model.ts";
import { fill, filled, type Names } from "./names.ts";
import { givers } from "./authority.ts";
import { isInside } from "./place.ts";
import type { Plan } from "./plan.ts";
import { setup } from "./setup.ts";
import type { Exchange, System } from "./system.ts";
import { versionFor } from "./version-for.ts";

/** What several runs on one system gather. */
export interface Tally {
  readonly coverage: Coverage;
  /** How often each key was refused for each reason. */
  readonly denied: Map<string, number>;
  /** The ids of all keys but the platform's. */
  readonly keys: Set<string>;
}

/** One sequence of commands: a model and the system, side by side. */
export interface Run {
  readonly world: World;
  readonly names: Names;
  /** Carries a command out on both. Throws a `Mismatch` where they differ. */
  readonly perform: (plan: Plan) => Promise<readonly Exchange[]>;
  /** Asks for something with a key, by number, that is not compared with the model. */
  readonly ask: (key: number, target: string) => Promise<readonly Exchange[]>;
  /** Compares what only shows at the end. */
  readonly finish: () => Promise<void>;
}

interface Secret {
  readonly id: string;
  readonly key: string;
}

const lifetime = 10 * 60_000;
/** Of how many requests one is explained first. */
const explainedEach = 4;
/** After a mutation the roots that it names are looked at, and after one of so many every other as well. */
const lookedAtEach = 8;
const stale = "no-such-etag";

export interface RunOptions {
  /** What is left out of the beginning. */
  readonly without?: (plan: Plan) => boolean;
}

/** Of relations, the answer says again what the request said. */
const saidBy = ({ operation }: Request): string =>
  operation.op === "grant" || operation.op === "check" ? JSON.stringify(operation) : "";

/** Begins one: makes its tenants and keys. */
export const startRun = async (
  system: System,
  fronts: readonly Front[],
  names: Names,
  tally: Tally,
  options: RunOptions = {},
): Promise<Run> => {
  const world = emptyWorld();
  const secrets = new Map<string, Secret>([
    [platformName, { id: platformName, key: system.platformKey }],
  ]);
  const leaks = createLeaks(names, [system.platformKey]);
  const etags = noEtags();
  const recorded = new Map<string, number>();
  const order: string[] = [];
  /** What the system calls the relations, in the order in which they came to be. */
  const relations: string[] = [];
  let asked = 0;
  let mutations = 0;
  /** Every sequence begins the same: what lies where is looked at once it has. */
  let begun = false;
  let lines = system.lines.length;

  const tenantOf = (key: string): number | undefined => {
    const id = world.keys.get(key)?.tenant?.id;
    return id === undefined ? undefined : names.ids.indexOf(id);
  };
  /** The tenants that gave something to whom a key is of. */
  const givenTo = (by: string): readonly number[] =>
    givers(world, world.keys.get(by)).map(({ id }) => names.ids.indexOf(id));
  const keyAt = (index: number): string =>
    index < 0 ? platformName : (order[index % Math.max(1, order.length)] ?? platformName);

  /** Where a path of a request points. */
  const placed = (by: string, within: string | undefined, path: string): string => {
    const key = world.keys.get(by);
    if (/^\/(?:workspace|tenants)\//.test(path)) return path;
    return (within ?? key?.prefix ?? key?.tenant?.roots[0] ?? "") + path;
  };

  const etagFor = (place: string, how: string | undefined): string | undefined => {
    if (how !== "current" && how !== "stale") return undefined;
    return how === "current" ? (etags.present.get(place)?.etag ?? stale) : stale;
  };

  const resolve = async (plan: Extract<Plan, { readonly by: number }>): Promise<Request> => {
    const by = keyAt(plan.by);
    const own = tenantOf(by);
    const within = plan.within === undefined ? undefined : fill(names, own, plan.within);
    const ground = by === platformName && within === undefined ? `/${names.ground}` : "";
    const operation = filled(names, own, ground, plan.operation);
    const known = (key: string): { key: string; id: string } => {
      const name = keyAt(Number(key.slice(1)));
      return { key: name, id: secrets.get(name)?.id ?? "" };
    };
    const complete = async (): Promise<Operation> => {
      // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- most operations are complete as they are
      switch (operation.op) {
        case "mint":
          return {
            ...operation,
            name: `key-${order.length}`,
            expiresAt: operation.expiresAt === undefined ? undefined : system.now() + lifetime,
          };
        case "rotate":
          return { ...operation, ...known(operation.key), name: `key-${order.length}` };
        case "narrow":
        case "revoke":
          return { ...operation, ...known(operation.key) };
        case "grant":
          return {
            ...operation,
            name: `r${relations.length}`,
            expiresAt: operation.expiresAt === undefined ? undefined : system.now() + lifetime,
          };
        case "ungrant":
          return { ...operation, id: relations[Number(operation.name.slice(1))] ?? "none" };
        case "read":
        case "restore":
          return {
            ...operation,
            version: await versionFor(system, placed(by, within, operation.path), operation.nth),
          };
        case "write":
          return {
            ...operation,
            etag: etagFor(placed(by, within, operation.path), operation.mode),
          };
        case "remove":
          return {
            ...operation,
            etag: etagFor(placed(by, within, operation.path), operation.match),
          };
        case "copy":
        case "move":
          return {
            ...operation,
            etag: etagFor(placed(by, within, operation.from), operation.match),
          };
        default:
          return operation;
      }
    };
    return { by, within, operation: await complete() };
  };

  const check = async (
    request: Request,
    predicted: Prediction,
    exchanges: readonly Exchange[],
    spoken: Spoken,
  ) => {
    const tenant = tenantOf(request.by);
    const given = { tenants: givenTo(request.by), said: saidBy(request) };
    for (const exchange of exchanges) leaks.check(tenant, exchange, given);
    if (spoken.output !== undefined)
      leaks.check(tenant, { headers: [], body: Buffer.from(spoken.output) }, given);
    for (const line of system.lines.slice(lines)) leaks.checkLine(line);
    lines = system.lines.length;
    if (exchanges[0] !== undefined)
      recorded.set(exchanges.map(({ requestId }) => requestId).join(" "), predicted.recorded);
    const id = secrets.get(request.by)?.id ?? "";
    if (predicted.denied !== undefined && request.by !== platformName) {
      const key = `${id} DENIED: ${predicted.denied}`;
      tally.denied.set(key, (tally.denied.get(key) ?? 0) + 1);
    }
    if (!begun || !mutating.includes(request.operation.op)) return;
    const all = ++mutations % lookedAtEach === 0;
    await checkFiles(system, world, names, etags, all ? {} : { roots: touched(request) });
    if (all) await checkUsed(system, world);
  };

  /** The roots that a request names: where it may have changed something. */
  const touched = ({ by, within, operation }: Request): ReadonlySet<string> => {
    const said: Readonly<Record<string, unknown>> = { ...operation };
    const places = ["path", "from", "to"].flatMap((name) => {
      const path = said[name];
      return typeof path === "string" ? [placed(by, within, path)] : [];
    });
    return new Set(
      rootsOf(names).filter(
        (root) =>
          root.split("/").at(-1) === said["tenant"] ||
          places.some((path) => isInside(root, path) || isInside(path, root)),
      ),
    );
  };

  const act = async (
    plan: Extract<Plan, { readonly by: number }>,
  ): Promise<readonly Exchange[]> => {
    const request = await resolve(plan);
    const { operation, by, within } = request;
    const front =
      fronts.find((one) => one.name === plan.front && one.speaks(operation)) ?? fronts[0];
    const secret = secrets.get(by);
    if (front === undefined || secret === undefined)
      throw new Error("There is no such front or key.");
    world.now = system.now();
    const predicted = answer(world, request);
    if (predicted.untold === true) return [];
    if (
      ++asked % explainedEach === 0 &&
      (await checkExplained(system, secret.key, within, operation, predicted))
    )
      tally.coverage.count("explain", "-", predicted.code ?? "ok");
    const recorder = system.recorder();
    const { fetch, exchanges } = recorder;
    const caller = { url: system.url(), key: secret.key, within, fetch, folder: system.home };
    const spoken = await front.perform(caller, operation);
    tally.coverage.count(operation.op, front.name, spoken.code ?? "ok");
    compare(predicted, { ...spoken, status: exchanges[0]?.status ?? spoken.status });
    if (predicted.job === true) {
      const job = jobOf(exchanges, spoken);
      if (job === undefined) throw new Mismatch("There is no job to wait for.");
      await system.ended(job);
    }
    if ("from" in operation && predicted.code === undefined) {
      const ends = [operation.from, operation.to].map((path) => placed(by, within, path));
      leaks.carried(ends[0] ?? "", ends[1] ?? "");
      // The ETag of what was moved may be another: nothing is known of either end any more.
      if (operation.op === "move")
        for (const path of etags.present.keys())
          if (ends.some((end) => isInside(end, path))) etags.present.delete(path);
    }
    await check(request, predicted, exchanges, spoken);
    if (spoken.granted !== undefined && !relations.includes(spoken.granted))
      relations.push(spoken.granted);
    if (spoken.minted !== undefined && (operation.op === "mint" || operation.op === "rotate")) {
      secrets.set(operation.name, spoken.minted);
      tally.keys.add(spoken.minted.id);
      order.push(operation.name);
      leaks.minted(tenantOf(operation.name), spoken.minted.id, spoken.minted.key);
    }
    return exchanges;
  };

  const perform = async (plan: Plan): Promise<readonly Exchange[]> => {
    if (!("event" in plan)) return system.steady(() => act(plan));
    tally.coverage.count(plan.event, "-", "ok");
    if (plan.event === "restart") {
      await system.restart();
      await checkFiles(system, world, names, etags);
    } else await system.advance(plan.minutes * 60_000);
    return [];
  };

  for (const plan of setup)
    if (options.without?.(plan) !== true) await perform(plan);
    // A key that nobody has keeps its number, and so does a relation.
    else if ("by" in plan && plan.operation.op === "mint") order.push("nobody");
    else if ("by" in plan && plan.operation.op === "grant") relations.push("none");
  begun = true;
  await checkFiles(system, world, names, etags);

  return {
    world,
    names,
    perform,
    ask: async (key, target) => {
      const { fetch, exchanges } = system.recorder();
      const Authorization = `Bearer ${secrets.get(keyAt(key))?.key ?? ""}`;
      await fetch(`${system.url()}${target}`, { headers: { Authorization } });
      return exchanges;
    },
    finish: async () => {
      await checkFiles(system, world, names, etags, { contents: true });
      await checkUsed(system, world);
      await checkRecorded(system, recorded);
    },
  };
};

/** Names a run that nobody else has. */
export const newMark = (): string => `r${randomUUID().slice(0, 8)}`;
