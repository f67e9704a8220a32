import { FileError, type Revision } from "@bulkhead/contract";
import type { RelationStore } from "@bulkhead/ledger";
import type { FileGraph } from "@bulkhead/rebac";
import type { Facts, Relations } from "@bulkhead/policy";
import type { Graphs } from "./graphs.ts";

/** Asks the graphs about anybody, brought up to what the ledger says after the question was asked. */
export const relationFacts = (
  graphs: Pick<Graphs, "at">,
  revisions: RelationStore["revisions"],
): Relations => {
  const latest = async (
    tenants: readonly string[],
  ): Promise<readonly { readonly graph: FileGraph; readonly revision: Revision }[]> => {
    const now = await revisions(tenants);
    if (now.length < new Set(tenants).size)
      throw new FileError("not-found", "There is no such tenant.");
    return Promise.all(
      now.map(async (revision) => ({ graph: await graphs.at(revision), revision })),
    );
  };

  return {
    of: async (subject, tenant, now): Promise<Facts> => {
      const own = subject.tenant === tenant;
      const [at, home] = await latest(own ? [tenant] : [tenant, subject.tenant]);
      if (at === undefined) throw new FileError("not-found", "There is no such tenant.");
      const closure = (home ?? at).graph.closureOf(subject, now);
      return {
        revision: at.revision,
        admin: own && closure.admin,
        verdict: (path) => at.graph.check(closure, path, now),
        cover: (permission) => at.graph.cover(closure, permission, now),
        explain: (path, permission) => at.graph.explain(closure, path, permission, now),
      };
    },
    subjects: async (tenant, path, permission, now) => {
      const [at] = await latest([tenant]);
      return at === undefined ? [] : at.graph.subjects(path, permission, now);
    },
  };
};
