import type { ModelJudge, ModelLanguage } from "@bulkhead/policy";
import { interpreter, parseModel, tupleSet, validateModel } from "@bulkhead/rebac";

/** How many parsed models are kept. */
const kept = 200;

/** OpenFGA's language, with models parsed once. */
export const modelLanguage = (): ModelLanguage => {
  const judges = new Map<string, Promise<ModelJudge>>();

  const parse = async (source: string): Promise<ModelJudge> => {
    const asks = interpreter(await parseModel(source));
    return {
      checkFact: asks.checkTuple,
      on: (facts) => {
        const reader = tupleSet(facts);
        return {
          check: (question) => asks.check(reader, question),
          expand: (question) => asks.expand(reader, question),
          listObjects: (question) => asks.listObjects(reader, question),
          listSubjects: (question) => asks.listSubjects(reader, question),
        };
      },
    };
  };

  return {
    validate: async (source) => {
      await validateModel(source);
    },
    judge: (source) => {
      const known = judges.get(source);
      if (known !== undefined) return known;
      const judge = parse(source);
      judges.set(source, judge);
      judge.catch(() => judges.delete(source));
      for (const oldest of judges.keys()) {
        if (judges.size <= kept) break;
        judges.delete(oldest);
      }
      return judge;
    },
  };
};
