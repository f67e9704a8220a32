import { effect } from "./effect.ts";
import type { Jobs } from "./jobs.ts";
import type { MoveOptions } from "./options.ts";
import { postHeaders } from "./post.ts";
import { checkedPath } from "./target.ts";
import type { Transport } from "./transport.ts";

/** Copies or moves; resolves once what was sent is there, also where it became a job. */
export const transfer = async (
  transport: Transport,
  jobs: Jobs,
  verb: "copy" | "move",
  [from, to]: readonly [string, string],
  options: MoveOptions,
): Promise<void> =>
  effect(transport, jobs, {
    method: "POST",
    target: `/v1/${verb}`,
    headers: postHeaders(options),
    json: {
      from: checkedPath(from),
      to: checkedPath(to),
      mode: options.overwrite === true ? "overwrite" : "create",
      ifMatch: options.ifMatch,
    },
    signal: options.signal,
    repeatable: true,
  });
