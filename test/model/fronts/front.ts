import type { Answer, Operation } from "../call.ts";

/** With what a front speaks: one server, one key. */
export interface Caller {
  readonly url: string;
  readonly key: string;
  readonly within: string | undefined;
  readonly fetch: typeof fetch;
  /** A folder that a front may use. */
  readonly folder: string;
}

/** What an operation that mints shows once. */
export interface Minted {
  readonly id: string;
  readonly key: string;
}

export interface Spoken extends Answer {
  readonly minted?: Minted | undefined;
  /** What the system calls a relation that was given. */
  readonly granted?: string | undefined;
  /** What a process of its own wrote to stdout, where nobody else can see its answers. */
  readonly output?: string | undefined;
}

/** One way to talk to the system. The model's commands go through any; a front of a later protocol is one more of these. */
export interface Front {
  readonly name: string;
  /** Whether it has words for the operation. */
  readonly speaks: (operation: Operation) => boolean;
  readonly perform: (caller: Caller, operation: Operation) => Promise<Spoken>;
}
