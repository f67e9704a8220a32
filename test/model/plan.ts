import type { Operation } from "./call.ts";

/**
 * A command before it meets a system. Its operation's strings hold placeholders: `<0>` is a tenant's id, `<w0>` its
 * secret word, `<w>` the caller's own; keys are numbers in the order in which they came to be, `k3`.
 */
export type Plan =
  | {
      /** The number of a key, of those there are; -1 is the platform's. */
      readonly by: number;
      readonly within?: string | undefined;
      readonly front: string;
      readonly operation: Operation;
    }
  | { readonly event: "restart" }
  /** So many minutes pass. */
  | { readonly event: "advance"; readonly minutes: number };

const sayOperation = ({ op, ...rest }: Operation): string =>
  [
    op,
    ...Object.entries(rest).flatMap(([name, value]) =>
      value === undefined || value === false
        ? []
        : [
            value === true
              ? name
              : `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
          ],
    ),
  ].join(" ");

/** One line of a trace. */
export const say = (plan: Plan): string =>
  "event" in plan
    ? plan.event === "restart"
      ? "restart"
      : `advance ${plan.minutes} minutes`
    : `${plan.by < 0 ? "platform" : `k${plan.by}`} by ${plan.front}${
        plan.within === undefined ? "" : ` within ${plan.within}`
      }: ${sayOperation(plan.operation)}`;
