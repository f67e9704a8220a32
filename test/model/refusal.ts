import type { ErrorCode } from "@bulkhead/contract";

/** What the model answers instead of a result. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: ErrorCode;
  /** Policy refused although the answer says that there is nothing. */
  readonly hidden: boolean;

  constructor(code: ErrorCode, hidden = false) {
    super(code);
    this.code = code;
    this.hidden = hidden;
  }
}

export const refuse = (code: ErrorCode): never => {
  throw new Refusal(code);
};
