import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseVirtualPath, type VirtualPath } from "@bulkhead/contract";
import {
  type Closure,
  fileGraph,
  type FileGraph,
  loadInSlices,
  type SubjectRef,
  type Tuple,
} from "@bulkhead/rebac";
import { alternate } from "../measure.ts";
import {
  dice,
  file,
  hundredThousand,
  million,
  tenant,
  tuplesOf,
  user,
} from "../relations-world.ts";
import { type Bench, least, most, type Row } from "../row.ts";

const now = 1_800_000_000_000;
const questions = 1 << 17;
const turns = 50;
/** What was shown: a result that nobody looks at need not be computed. */
let shown = 0;

const collector = (): (() => void) => {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  return () => {
    if (typeof gc === "function") gc();
  };
};

const bytesInUse = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

/** Milliseconds that this thread has computed: on a machine that others share, a clock on the wall counts them too. */
const computed = (): number => {
  const { user: own, system } = process.threadCpuUsage();
  return (own + system) / 1_000;
};

const cost = async (work: () => unknown): Promise<number> => {
  const begun = computed();
  await work();
  return computed() - begun;
};

/** How often a second a core does `work`. */
const rate = async (count: number, work: (i: number) => unknown): Promise<number> =>
  (count * 1_000) /
  (await cost(() => {
    for (let i = 0; i < count; i++) work(i);
  }));

/** The longest time for which nobody else could run while `work` did. */
const longestBlock = async (work: () => Promise<unknown>): Promise<number> => {
  let longest = 0;
  let last = computed();
  let over = false;
  const tick = (): void => {
    const at = computed();
    longest = Math.max(longest, at - last);
    last = at;
    if (!over) setImmediate(tick);
  };
  setImmediate(tick);
  await work();
  over = true;
  tick();
  return longest;
};

/** The tuples of a page are a source's work, not the load's. */
const held = (pages: Iterable<readonly Tuple[]>): readonly (readonly Tuple[])[] => [...pages];

const loading = async (rounds: number): Promise<readonly Row[]> => {
  const pages = held(tuplesOf(hundredThousand));
  const load = () => loadInSlices(tenant, pages);
  const [took = 0, block = 0] = await alternate(rounds, [
    () => cost(load),
    () => longestBlock(load),
  ]);
  return [
    { name: "cold load of 100,000 relations", unit: "ms", value: took, goals: [most(1_000)] },
    { name: "longest block of the loop in it", unit: "ms", value: block, goals: [most(10)] },
  ];
};

const checks = async (graph: FileGraph, rounds: number): Promise<readonly Row[]> => {
  const roll = dice(7);
  const users: readonly SubjectRef[] = Array.from({ length: questions }, () =>
    user(roll(million.users)),
  );
  const paths: readonly VirtualPath[] = Array.from({ length: questions }, () =>
    file(roll(million.files)),
  );
  // As paths of requests are: parsed one by one, and in one piece.
  for (const path of paths) graph.check(graph.closureOf(user(0), now), path, now);
  const closures: readonly Closure[] = users.slice(0, 64).map((each) => graph.closureOf(each, now));
  const cold = (i: number): unknown =>
    graph.check(graph.closureOf(users[i] ?? user(0), now), paths[i] ?? file(0), now);
  const hot = (i: number): unknown =>
    graph.check(closures[i & 63] ?? graph.closureOf(user(0), now), paths[i & 255] ?? file(0), now);
  const [coldRate = 0, hotRate = 0] = await alternate(rounds, [
    () => rate(questions, cold),
    () => rate(questions * 4, hot),
  ]);
  return [
    {
      name: "checks, cold",
      unit: "1/s",
      value: coldRate,
      goals: [least(300_000, "value")],
      note: "another user, whose closure is computed, and another path each time",
    },
    {
      name: "checks, hot",
      unit: "1/s",
      value: hotRate,
      goals: [least(1_000_000, "value")],
      note: "64 closures, 256 paths",
    },
  ];
};

/** One directory of 10,000 files, half of them named by a relation, that nobody may read as a whole. */
const listings = async (graph: FileGraph, rounds: number): Promise<readonly Row[]> => {
  const directory = parseVirtualPath("/workspace/acme/inbox");
  // In one piece, as a storage hands them over.
  const named = (before: string, after: string): readonly string[] =>
    Array.from({ length: 10_000 }, (_, i) => [before, String(i), after].join(""));
  const names = named("message-", ".eml");
  const roll = dice(3);
  for (const [i, name] of names.entries())
    if (i % 2 === 0)
      graph.apply({
        kind: "add",
        tuple: {
          subject: user(i % 8 === 0 ? 1 : roll(million.users)),
          relation: "viewer",
          object: { tenant, type: "file", path: parseVirtualPath(`${directory}/${name}`) },
          expiresAt: undefined,
        },
      });
  // Many at a time: where the system counts a thread's time in ticks of milliseconds, one alone would cost nothing.
  const filter = async (path: VirtualPath, entries: readonly string[]): Promise<number> => {
    const spent = await cost(() => {
      for (let turn = 0; turn < turns; turn++) {
        const judge = graph.listing(graph.closureOf(user(1), now), path, now);
        shown += entries.filter((name) => judge(name).leads).length;
      }
    });
    return spent / turns;
  };
  const trees = named("team-", "");
  const root = parseVirtualPath("/workspace/acme");
  const [files = 0, directories = 0] = await alternate(rounds, [
    () => filter(directory, names),
    () => filter(root, trees),
  ]);
  if (shown === 0) throw new Error("The listings showed nothing.");
  return [
    { name: "listing of 10,000 filtered", unit: "ms", value: files, goals: [most(2)] },
    {
      name: "the same, of directories with all relations below them",
      unit: "ms",
      value: directories,
      goals: [most(2)],
    },
  ];
};

/** The walk of the file model over a million relations, paths five deep, groups nested three deep. */
export const relations: Bench = {
  name: "relations",
  run: async ({ rounds }) => {
    const load = await loading(rounds);
    const collect = collector();
    collect();
    const before = bytesInUse();
    const graph = fileGraph(tenant);
    for (const page of tuplesOf(million))
      for (const tuple of page) graph.apply({ kind: "add", tuple });
    collect();
    const bytes = (bytesInUse() - before) / graph.size;
    return [
      ...load,
      {
        name: "memory a relation",
        unit: "bytes",
        value: bytes,
        goals: [most(250)],
        note: `${graph.size} relations; the graph itself says ${Math.round(graph.bytes / graph.size)}`,
      },
      ...(await checks(graph, rounds)),
      ...(await listings(graph, rounds)),
    ];
  },
};
