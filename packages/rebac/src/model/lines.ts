/** Where the parts of a model stand in its source; lines count from 1. */
export interface Lines {
  readonly type: (type: string) => number | undefined;
  readonly relation: (type: string, relation: string) => number | undefined;
  readonly condition: (name: string) => number | undefined;
  /** The first part that is defined a second time. */
  readonly duplicate: { readonly line: number; readonly what: string } | undefined;
}

const typeLine = /^\s*(?:extend\s+)?type\s+([^\s#]+)/u;
const defineLine = /^\s*define\s+([^\s:]+)\s*:/u;
const conditionLine = /^\s*condition\s+([^\s(]+)\s*\(/u;

/** Finds the parts of a model written in the DSL, which defines each on a line of its own. */
export const dslLines = (source: string): Lines => {
  const found = new Map<string, number>();
  let duplicate: Lines["duplicate"];
  let type = "";
  const note = (key: string, what: string, line: number): void => {
    if (found.has(key)) duplicate ??= { line, what: `${what} is defined twice` };
    else found.set(key, line);
  };
  let inCondition = false;
  for (const [index, text] of source.split("\n").entries()) {
    const line = index + 1;
    const typeName = typeLine.exec(text)?.[1];
    const conditionName = conditionLine.exec(text)?.[1];
    if (conditionName !== undefined) {
      inCondition = true;
      note(`condition ${conditionName}`, `the condition ${conditionName}`, line);
    } else if (!inCondition && typeName !== undefined) {
      type = typeName;
      note(`type ${type}`, `the type ${type}`, line);
    } else if (!inCondition) {
      const relation = defineLine.exec(text)?.[1];
      if (relation !== undefined)
        note(`relation ${type}#${relation}`, `the relation ${relation} of ${type}`, line);
    }
  }
  return {
    type: (name) => found.get(`type ${name}`),
    relation: (of, relation) => found.get(`relation ${of}#${relation}`),
    condition: (name) => found.get(`condition ${name}`),
    duplicate,
  };
};

/** Finds the parts of a model written as JSON, by the first place that spells the name. */
export const jsonLines = (source: string): Lines => {
  const lines = source.split("\n");
  const lineOf = (pattern: (text: string) => boolean, after = 0): number | undefined => {
    const index = lines.findIndex((text, at) => at >= after && pattern(text));
    return index < 0 ? undefined : index + 1;
  };
  const type = (name: string): number | undefined =>
    lineOf((text) => text.includes('"type"') && text.includes(JSON.stringify(name)));
  const key = (name: string): number | undefined =>
    lineOf(
      (text) =>
        text.includes(`${JSON.stringify(name)}:`) || text.includes(`${JSON.stringify(name)} :`),
    );
  return {
    type,
    relation: (of, relation) => key(relation) ?? type(of),
    condition: key,
    duplicate: undefined,
  };
};
