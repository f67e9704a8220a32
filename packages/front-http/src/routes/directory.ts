import {
  directoryRequest,
  residencyItem,
  wireDirectoryEntry,
  wireDirectoryEntryOf,
} from "@bulkhead/wire";
import type { DirectoryEntry } from "@bulkhead/contract";
import type { Answer } from "../answer.ts";
import type { Route } from "../call.ts";
import { done, found, pageOf, paging, recording, put } from "../describe.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";

const putAnswer = (entry: DirectoryEntry): Answer => ({
  status: entry.createdAt === entry.updatedAt ? 201 : 200,
  headers: { Location: `/v1/directory/${entry.tenant}` },
  json: wireDirectoryEntryOf(entry),
});

/** `/v1/directory` and `/v1/tenants/{id}/residency` */
export const directoryRoutes: readonly Route[] = [
  {
    method: "GET",
    url: "/v1/tenants/:id/residency",
    id: "verifyResidency",
    does: "A page of the tenant's files: `{ path, kind, size, content: { region, state }, metadata: { region, state } }`; `state` is `verified` (by the storage itself), `unverified`, `violated` or `unreachable`.",
    query: paging,
    answers: pageOf(residencyItem),
    run: async (call) => {
      const tenant = call.param("id");
      const list = `residency ${tenant}`;
      const page = await call.control.residency.verify(call.ctx, tenant, paged(call, list));
      return pageAnswer(call, list, page, (item) => item);
    },
  },
  post({
    url: "/v1/directory",
    id: "putDirectoryEntry",
    does: "`{ tenant, region, subdomain? }`: a tenant that another region's server serves; who asks here for it gets 421. 201, 200 where it took another entry's place. Platform key.",
    example: { tenant: "acme", region: "eu" },
    answers: put(wireDirectoryEntry),
    refuses: recording,
    schema: directoryRequest,
    run: async ({ control, ctx }, input) => putAnswer(await control.directory.put(ctx, input)),
    again: async ({ control, ctx }, { tenant }) =>
      putAnswer(await control.directory.get(ctx, tenant)),
  }),
  {
    method: "GET",
    url: "/v1/directory",
    id: "listDirectory",
    does: "A page of them. Platform key.",
    query: paging,
    answers: pageOf(wireDirectoryEntry),
    run: async (call) => {
      const page = await call.control.directory.list(call.ctx, paged(call, "directory"));
      return pageAnswer(call, "directory", page, wireDirectoryEntryOf);
    },
  },
  {
    method: "GET",
    url: "/v1/directory/:id",
    id: "getDirectoryEntry",
    does: "One of them, by the tenant's id. Platform key.",
    answers: found(wireDirectoryEntry),
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireDirectoryEntryOf(await control.directory.get(ctx, param("id"))),
    }),
  },
  {
    method: "DELETE",
    url: "/v1/directory/:id",
    id: "removeDirectoryEntry",
    does: "Forgets where it is served. 204. Platform key.",
    answers: done,
    refuses: ["conflict"],
    run: async ({ control, ctx, param }) => {
      await control.directory.remove(ctx, param("id"));
      return { status: 204 };
    },
  },
];
