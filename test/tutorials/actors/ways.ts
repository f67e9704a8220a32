import { type Actor, type ActorOptions, signs, type Way } from "./actor.ts";
import { overCli } from "./over-cli.ts";
import { overClient } from "./over-client.ts";
import { overHttp } from "./over-http.ts";

export type Kind = keyof (typeof signs)["http"];

/** One way of talking to a server, and what its refusals look like. */
export interface Front {
  readonly way: Way;
  readonly act: (options: ActorOptions) => Actor;
  /** What a refusal of that kind and code has to look like. */
  readonly refusal: (kind: Kind, code: string) => { readonly code: string; readonly sign: string };
}

const front = (way: Way, act: (options: ActorOptions) => Actor): Front => ({
  way,
  act,
  refusal: (kind, code) => ({ code, sign: signs[way][kind] }),
});

/** The three of this milestone. Each program of the tutorials runs on every one. */
export const fronts: readonly Front[] = [
  front("http", overHttp),
  front("client", overClient),
  front("cli", overCli),
];
