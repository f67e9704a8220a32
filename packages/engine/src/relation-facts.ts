import { FileError, type Revision } from "@bulkhead/contract";
import type { RelationStore } from "@bulkhead/ledger";
import type { Closure, FileGraph } from "@bulkhead/rebac";
import type { AsOf, Facts, Relations } from "@bulkhead/policy";
import type { Graphs } from "./graphs.ts";

/** What is given across tenants of which one does not serve. */
const nothing = (revision: Revision): Facts => ({
  revision,
  admin: false,
  verdict: () => ({ mask: 0, leads: false, until: Infinity, indeterminate: false }),
  cover: () => ({ roots: [], except: [] }),
  explain: () => ({ allowed: false, chain: [], misses: [] }),
});

/** Asks the graphs about anybody, on what the admission of the question read, or what the ledger says after it. */
export const relationFacts = (
  graphs: Pick<Graphs, "at">,
  revisions: RelationStore["revisions"],
): Relations => {
  const latest = async (
    tenants: readonly string[],
    { revisions: known }: AsOf,
  ): Promise<readonly { readonly graph: FileGraph; readonly revision: Revision }[]> => {
    const unknown = tenants.filter((tenant) => !known.some((each) => each.tenant === tenant));
    const all = [...known, ...(unknown.length === 0 ? [] : await revisions(unknown))];
    return Promise.all(
      tenants.map(async (tenant) => {
        const revision = all.find((each) => each.tenant === tenant);
        if (revision === undefined) throw new FileError("not-found", "There is no such tenant.");
        return { graph: await graphs.at(revision), revision };
      }),
    );
  };

  /** Those of these tenants that serve: what crosses tenants is given as long as both do. */
  const serving = async (tenants: readonly string[]): Promise<ReadonlySet<string>> => {
    const found = await revisions(tenants);
    const serve = found.filter(({ status }) => status === "active" || status === "trial");
    return new Set(serve.map(({ tenant }) => tenant));
  };

  return {
    of: async (subject, tenant, asOf): Promise<Facts> => {
      const { now } = asOf;
      const own = subject.tenant === tenant;
      const [at, home] = await latest(own ? [tenant] : [tenant, subject.tenant], asOf);
      if (at === undefined) throw new FileError("not-found", "There is no such tenant.");
      if (!own && (await serving([tenant, subject.tenant])).size < 2) return nothing(at.revision);
      // Made when it is asked for: what is asked in one turn is answered from the same facts.
      let made: Closure | undefined;
      const closure = (): Closure => (made ??= (home ?? at).graph.closureOf(subject, now));
      return {
        revision: at.revision,
        get admin() {
          return own && closure().admin;
        },
        verdict: (path) => at.graph.check(closure(), path, now),
        cover: (permission) => at.graph.cover(closure(), permission, now),
        explain: (path, permission) => at.graph.explain(closure(), path, permission, now),
      };
    },
    subjects: async (tenant, path, permission, asOf) => {
      const [at] = await latest([tenant], asOf);
      if (at === undefined) return [];
      const found = at.graph.subjects(path, permission, asOf.now);
      const others = found.filter((subject) => subject.tenant !== tenant);
      if (others.length === 0) return found;
      const serve = await serving([...new Set([tenant, ...others.map((each) => each.tenant)])]);
      return found.filter(
        (subject) => subject.tenant === tenant || (serve.has(tenant) && serve.has(subject.tenant)),
      );
    },
  };
};
