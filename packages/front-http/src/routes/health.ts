import { FileError } from "@bulkhead/contract";
import { alive, health, problemOf } from "@bulkhead/wire";
import { problemAnswer } from "../answer.ts";
import type { Route } from "../call.ts";
import { found } from "../describe.ts";

/** Whether the server runs, and whether it is ready: for those who have no key. */
export const healthRoutes: readonly Route[] = [
  {
    method: "GET",
    url: "/health",
    id: "health",
    does: "`{ status, version, mode }`. Needs no key.",
    answers: found(health),
    open: true,
    run: async ({ version }) => ({
      status: 200,
      json: { status: "ok", version, mode: "multi-tenant" },
    }),
  },
  {
    method: "GET",
    url: "/livez",
    id: "live",
    does: "Whether the process answers. Needs no key.",
    answers: found(alive),
    open: true,
    run: async () => ({ status: 200, json: { status: "ok" } }),
  },
  {
    method: "GET",
    url: "/readyz",
    id: "ready",
    does: "Whether database and configured mounts answer; 503 names in `unready` what does not. Needs no key.",
    answers: found(alive, "All that is needed answers."),
    refuses: ["unavailable"],
    open: true,
    run: async ({ control, requestId }) => {
      const unready = await control.unready();
      if (unready.length === 0) return { status: 200, json: { status: "ok" } };
      const error = new FileError("unavailable", `Not ready: ${unready.join(", ")}.`);
      const answer = problemAnswer(error, requestId);
      return { ...answer, json: { ...problemOf(error, requestId), unready } };
    },
  },
];
