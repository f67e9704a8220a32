import type { ModelTuple } from "./model-tuple.ts";

/** The tuples of one object and relation. */
export interface TupleGroup {
  readonly all: readonly ModelTuple[];
  /** Those that name exactly this subject, as it is written. */
  readonly naming: (subject: string) => readonly ModelTuple[];
  /** Those whose subject is a userset, `group:staff#member`. */
  readonly usersets: readonly ModelTuple[];
}

/**
 * Tuples as the interpreter reads them: in memory, loaded beforehand, so that a question costs one query and not one a
 * step. It holds live tuples only; whoever loads it leaves out what has expired.
 */
export interface TupleReader {
  readonly group: (object: string, relation: string) => TupleGroup;
  /** Every object that a tuple is on, each once or more often. */
  readonly objects: () => Iterable<string>;
}

const none: TupleGroup = { all: [], naming: () => [], usersets: [] };

const groupOf = (all: readonly ModelTuple[]): TupleGroup => {
  let bySubject: Map<string, ModelTuple[]> | undefined;
  return {
    all,
    usersets: all.filter(({ subject }) => subject.includes("#")),
    naming: (subject) => {
      bySubject ??= Map.groupBy(all, (tuple) => tuple.subject);
      return bySubject.get(subject) ?? [];
    },
  };
};

/** Indexes tuples for the interpreter. */
export const tupleSet = (tuples: Iterable<ModelTuple>): TupleReader => {
  const byObject = new Map<string, Map<string, ModelTuple[]>>();
  for (const tuple of tuples) {
    let relations = byObject.get(tuple.object);
    if (relations === undefined) byObject.set(tuple.object, (relations = new Map()));
    const found = relations.get(tuple.relation);
    if (found === undefined) relations.set(tuple.relation, [tuple]);
    else found.push(tuple);
  }
  const groups = new Map<string, TupleGroup>();
  return {
    group: (object, relation) => {
      const all = byObject.get(object)?.get(relation);
      if (all === undefined) return none;
      const key = `${object}#${relation}`;
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = groupOf(all)));
      return group;
    },
    objects: () => byObject.keys(),
  };
};

/** Lays contextual tuples over stored ones. One that names the same subject, relation and object stands for the stored. */
export const overlay = (
  stored: TupleReader,
  contextual: readonly ModelTuple[] | undefined,
): TupleReader => {
  if (contextual === undefined || contextual.length === 0) return stored;
  const extra = tupleSet(contextual);
  return {
    group: (object, relation) => {
      const over = extra.group(object, relation);
      const under = stored.group(object, relation);
      if (over.all.length === 0) return under;
      return groupOf([
        ...under.all.filter(({ subject }) => over.naming(subject).length === 0),
        ...over.all,
      ]);
    },
    objects: function* () {
      yield* stored.objects();
      yield* extra.objects();
    },
  };
};
