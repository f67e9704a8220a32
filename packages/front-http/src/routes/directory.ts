import { directoryRequest, wireDirectoryEntryOf } from "@bulkhead/wire";
import type { DirectoryEntry } from "@bulkhead/contract";
import type { Answer } from "../answer.ts";
import type { Route } from "../call.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";

const put = (entry: DirectoryEntry): Answer => ({
  status: entry.createdAt === entry.updatedAt ? 201 : 200,
  headers: { Location: `/v1/directory/${entry.tenant}` },
  json: wireDirectoryEntryOf(entry),
});

/** `/v1/directory` and `/v1/tenants/{id}/residency` */
export const directoryRoutes: readonly Route[] = [
  {
    method: "GET",
    url: "/v1/tenants/:id/residency",
    run: async (call) => {
      const tenant = call.param("id");
      const list = `residency ${tenant}`;
      const page = await call.control.residency.verify(call.ctx, tenant, paged(call, list));
      return pageAnswer(call, list, page, (item) => item);
    },
  },
  post({
    url: "/v1/directory",
    schema: directoryRequest,
    run: async ({ control, ctx }, input) => put(await control.directory.put(ctx, input)),
    again: async ({ control, ctx }, { tenant }) => put(await control.directory.get(ctx, tenant)),
  }),
  {
    method: "GET",
    url: "/v1/directory",
    run: async (call) => {
      const page = await call.control.directory.list(call.ctx, paged(call, "directory"));
      return pageAnswer(call, "directory", page, wireDirectoryEntryOf);
    },
  },
  {
    method: "GET",
    url: "/v1/directory/:id",
    run: async ({ control, ctx, param }) => ({
      status: 200,
      json: wireDirectoryEntryOf(await control.directory.get(ctx, param("id"))),
    }),
  },
  {
    method: "DELETE",
    url: "/v1/directory/:id",
    run: async ({ control, ctx, param }) => {
      await control.directory.remove(ctx, param("id"));
      return { status: 204 };
    },
  },
];
