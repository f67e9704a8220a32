import { AsyncLocalStorage } from "node:async_hooks";

/** Remembers for whom the process works, from a request down to the statements that it comes to. */
export interface OnBehalf {
  readonly of: <R>(owner: string, work: () => R) => R;
  readonly owner: () => string | undefined;
}

/** Makes one for a ledger: its pools are shared out by it. */
export const onBehalf = (): OnBehalf => {
  const owners = new AsyncLocalStorage<string>();
  return {
    of: (owner, work) => owners.run(owner, work),
    owner: () => owners.getStore(),
  };
};
