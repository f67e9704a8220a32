import { member } from "../support/api.ts";
import type { Spoken } from "./fronts/front.ts";
import type { Exchange } from "./system.ts";

/** The job that an answer named, if it did. */
export const jobOf = (exchanges: readonly Exchange[], spoken: Spoken): string | undefined => {
  const accepted = exchanges.find(({ status }) => status === 202);
  if (accepted === undefined) return /"job": ?"([^"]+)"/.exec(spoken.output ?? "")?.[1];
  const text = accepted.body.toString();
  return member({ status: 202, headers: new Headers(), text, json: JSON.parse(text) }, "job");
};
