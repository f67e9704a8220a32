import { type ExpandNode, parent, type VirtualPath } from "@bulkhead/contract";
import type { SubjectRef, Tuples } from "../ports-relations.ts";
import type { Names } from "./names.ts";
import { relationOf } from "./words.ts";

type Shown = (subject: SubjectRef) => boolean;

/** The stored relations behind an answer, as those see them whom `shown` lets see a subject. */
export interface Drawing {
  /** The subjects of one relation on one object. */
  readonly listed: (
    tenant: string,
    on:
      | { readonly path: VirtualPath }
      | { readonly object: { readonly type: string; readonly id: string } },
    relation: string,
    shown: Shown,
  ) => Promise<readonly string[]>;
  /** A relation or a permission of a file, drawn down to the relations that give it. */
  readonly expandFile: (
    tenant: string,
    path: VirtualPath,
    asked: string,
    shown: Shown,
  ) => Promise<ExpandNode>;
}

const givers: Readonly<Record<string, readonly string[]>> = {
  can_read: ["viewer", "editor", "owner"],
  can_write: ["editor", "owner"],
  can_share: ["owner"],
};

export const drawing = (tuples: Pick<Tuples, "list">, names: Pick<Names, "write">): Drawing => {
  const listed = async (
    tenant: string,
    object: { readonly path: VirtualPath } | { readonly object: { type: string; id: string } },
    relation: string,
    shown: Shown,
  ): Promise<readonly string[]> => {
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await tuples.list({ tenant, relation, ...object, ...(after && { after }) });
      for (const { subject } of page.items)
        if (shown(subject)) found.push(await names.write(subject));
      after = page.next;
    } while (after !== undefined);
    return found;
  };

  /** A role: who has it at the path itself, and at each directory above that gives it to somebody. */
  const role = async (
    tenant: string,
    path: VirtualPath,
    relation: string,
    shown: Shown,
  ): Promise<ExpandNode> => {
    const places: VirtualPath[] = [];
    for (let at: VirtualPath | undefined = path; at !== undefined; at = parent(at)) places.push(at);
    const leaves = await Promise.all(
      places.map(async (at) => ({
        kind: "leaf" as const,
        name: `file:${at}#${relation}`,
        subjects: await listed(tenant, { path: at }, relation, shown),
      })),
    );
    return {
      kind: "union",
      name: `file:${path}#${relation}`,
      nodes: leaves.filter((leaf, i) => i === 0 || leaf.subjects.length > 0),
    };
  };

  const expandFile = async (
    tenant: string,
    path: VirtualPath,
    asked: string,
    shown: Shown,
  ): Promise<ExpandNode> => {
    const giving = Object.hasOwn(givers, asked) ? givers[asked] : undefined;
    if (giving === undefined) return role(tenant, path, relationOf("file", asked), shown);
    const name = `file:${path}#${asked}`;
    const [blocked, ...given] = await Promise.all(
      ["blocked", ...giving].map((relation) => role(tenant, path, relation, shown)),
    );
    const admins = await listed(tenant, { object: { type: "tenant", id: "" } }, "admin", shown);
    return {
      kind: "union",
      name,
      nodes: [
        {
          kind: "difference",
          name,
          nodes: [
            { kind: "union", name, nodes: given },
            ...(blocked === undefined ? [] : [blocked]),
          ],
        },
        { kind: "leaf", name: `tenant#admin`, subjects: admins },
      ],
    };
  };

  return { listed, expandFile };
};
