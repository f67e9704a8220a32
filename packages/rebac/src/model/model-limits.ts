/** How large one model may be. A model beyond is refused when it is written. */
export const modelLimits: Readonly<
  Record<
    | "bytes"
    | "types"
    | "relations"
    | "restrictions"
    | "operands"
    | "depth"
    | "conditions"
    | "expression"
    | "parameters",
    number
  >
> = {
  /** Of its source, in bytes of UTF-8. */
  bytes: 32 * 1024,
  types: 100,
  /** Of all types together. */
  relations: 500,
  /** Entries between the brackets of one relation. */
  restrictions: 50,
  /** What one `or` or `and` may combine. */
  operands: 100,
  /** How deep `and`, `or` and `but not`, or parentheses, may be nested. */
  depth: 16,
  conditions: 50,
  /** Of one condition, in characters. */
  expression: 2_048,
  parameters: 20,
};
