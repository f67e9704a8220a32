/** One relation of a model's own store. `subject` is `user:alice`, `user:*` or `group:staff#member`. */
export interface ModelTuple {
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  /** What it holds under; its context wins over that of a question. */
  readonly condition?:
    | {
        readonly name: string;
        readonly context?: Readonly<Record<string, unknown>> | undefined;
      }
    | undefined;
}

export interface SubjectParts {
  readonly type: string;
  /** `*` for everybody of the type. */
  readonly id: string;
  readonly relation: string | undefined;
}

const subjectPattern = /^([^:#@*\s]{1,254}):([^:#*\s]{1,512}|\*)(?:#([^:#@*\s]{1,50}))?$/u;

/** The parts of a subject as it is written; undefined if it is not well formed. */
export const parseSubject = (subject: string): SubjectParts | undefined => {
  const [, type, id, relation] = subjectPattern.exec(subject) ?? [];
  if (type === undefined || id === undefined) return undefined;
  return id === "*" && relation !== undefined ? undefined : { type, id, relation };
};

/** The type of an object `type:id`; undefined if it is not well formed. */
export const typeOfObject = (object: string): string | undefined => {
  const parts = parseSubject(object);
  return parts === undefined || parts.id === "*" || parts.relation !== undefined
    ? undefined
    : parts.type;
};
