import { FileError } from "@bulkhead/contract";
import { problemOf } from "@bulkhead/wire";
import { problemAnswer } from "../answer.ts";
import type { Route } from "../call.ts";

/** Whether the server runs, and whether it is ready: for those who have no key. */
export const healthRoutes: readonly Route[] = [
  {
    method: "GET",
    url: "/health",
    open: true,
    run: async ({ version }) => ({
      status: 200,
      json: { status: "ok", version, mode: "multi-tenant" },
    }),
  },
  {
    method: "GET",
    url: "/livez",
    open: true,
    run: async () => ({ status: 200, json: { status: "ok" } }),
  },
  {
    method: "GET",
    url: "/readyz",
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
