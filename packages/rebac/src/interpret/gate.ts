import type { QuestionError } from "../question-error.ts";

/**
 * A node of the circuit that a question becomes. `or` is true once one input is, `and` false once one is; otherwise both
 * wait until all inputs are known. What waits for itself stays unknown for ever, which is how cycles show.
 * The values are those of Kleene's three-valued logic, so that what is known stays right whatever becomes of the rest.
 */
export interface Gate {
  readonly op: "or" | "and";
  value: boolean | undefined;
  /** Inputs that are not known yet. */
  waiting: number;
  /** No input will be added any more. */
  sealed: boolean;
  readonly inputs: Gate[];
  readonly outputs: { readonly gate: Gate; readonly negated: boolean }[];
  /** Why it will never be known. */
  readonly fault?: QuestionError | undefined;
}

export const gate = (op: Gate["op"]): Gate => ({
  op,
  value: undefined,
  waiting: 0,
  sealed: false,
  inputs: [],
  outputs: [],
});

/** A gate that is known from the start. */
export const constant = (value: boolean): Gate => ({ ...gate("or"), value, sealed: true });

/** A gate that stays unknown because of an error. */
export const faulty = (fault: QuestionError): Gate => ({ ...gate("or"), fault });

/** Without recursion: chains may be as long as there are tuples. */
const resolve = (first: Gate, value: boolean): void => {
  first.value = value;
  const resolved = [first];
  for (let next = resolved.pop(); next !== undefined; next = resolved.pop()) {
    for (const { gate: output, negated } of next.outputs.splice(0)) {
      if (output.value !== undefined) continue;
      output.waiting -= 1;
      const absorbing = output.op === "or";
      if ((next.value !== negated) === absorbing) output.value = absorbing;
      else if (output.sealed && output.waiting === 0) output.value = !absorbing;
      if (output.value !== undefined) resolved.push(output);
    }
  }
};

/** Makes `input`, or its opposite, an input of `output`. */
export const connect = (output: Gate, input: Gate, negated = false): void => {
  if (output.value !== undefined) return;
  if (input.value === undefined) {
    output.waiting += 1;
    output.inputs.push(input);
    input.outputs.push({ gate: output, negated });
  } else if ((input.value !== negated) === (output.op === "or")) {
    resolve(output, output.op === "or");
  }
};

/** Says that a gate has all its inputs. */
export const seal = (complete: Gate): void => {
  complete.sealed = true;
  if (complete.value === undefined && complete.waiting === 0)
    resolve(complete, complete.op === "and");
};
