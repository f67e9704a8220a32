import { FileError } from "@bulkhead/contract";

/** What is wrong with a question: an unknown type, an unknown relation, a tuple the model does not allow, or anything else. */
export type QuestionFault = "type" | "relation" | "tuple" | "invalid";

/** An `invalid-request` about a question to a model, or about a tuple of it. */
export class QuestionError extends FileError {
  readonly fault: QuestionFault;

  constructor(fault: QuestionFault, detail: string) {
    super("invalid-request", detail);
    this.fault = fault;
  }
}
