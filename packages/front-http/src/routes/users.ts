import { FileError, type GroupRecord, type UserRecord } from "@bulkhead/contract";
import {
  groupRequest,
  userPatch,
  userRequest,
  userType,
  wireGroupOf,
  wireUserOf,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { malformed } from "../fault.ts";
import { jsonBytes, parseJson } from "../json-body.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post } from "./post.ts";

const typeOf = ({ query }: Call): UserRecord["type"] | undefined => {
  const text = query.text("type");
  if (text === undefined) return undefined;
  const type = userType.safeParse(text);
  if (!type.success) throw malformed("The parameter 'type' is 'user', 'agent' or 'service'.");
  return type.data;
};

const userMade = (user: UserRecord): Answer => {
  const id = encodeURIComponent(user.id);
  const type = user.type === "user" ? "" : `?type=${user.type}`;
  return {
    status: 201,
    headers: { Location: `/v1/tenants/${user.tenant}/users/${id}${type}` },
    json: wireUserOf(user),
  };
};

const groupMade = (group: GroupRecord): Answer => ({
  status: 201,
  headers: { Location: `/v1/tenants/${group.tenant}/groups/${encodeURIComponent(group.id)}` },
  json: wireGroupOf(group),
});

/** The group that was made while its answer was lost. */
const findGroup = async ({ control, ctx, param }: Call, id: string): Promise<GroupRecord> => {
  let after: string | undefined;
  do {
    const page = await control.groups.list(ctx, param("id"), { after });
    const group = page.items.find((item) => item.id === id);
    if (group !== undefined) return group;
    after = page.next;
  } while (after !== undefined);
  throw new FileError("conflict", "The group was made, and removed since.", { retry: "never" });
};

/** `/v1/tenants/{id}/users` and `/v1/tenants/{id}/groups` */
export const userRoutes: readonly Route[] = [
  post({
    url: "/v1/tenants/:id/users",
    schema: userRequest,
    run: async ({ control, ctx, param }, input) =>
      userMade(await control.users.create(ctx, param("id"), input)),
    again: async ({ control, ctx, param }, { id, type = "user" }) =>
      userMade(await control.users.get(ctx, param("id"), id, type)),
  }),
  {
    method: "GET",
    url: "/v1/tenants/:id/users",
    run: async (call) => {
      const tenant = call.param("id");
      const list = `users ${tenant}`;
      const query = { ...paged(call, list), type: typeOf(call) };
      return pageAnswer(
        call,
        list,
        await call.control.users.list(call.ctx, tenant, query),
        wireUserOf,
      );
    },
  },
  {
    method: "GET",
    url: "/v1/tenants/:id/users/:user",
    run: async (call) => {
      const { control, ctx, param, decoded } = call;
      const user = await control.users.get(ctx, param("id"), decoded("user"), typeOf(call));
      return { status: 200, json: wireUserOf(user) };
    },
  },
  {
    method: "PATCH",
    url: "/v1/tenants/:id/users/:user",
    run: async (call) => {
      const { control, ctx, param, decoded } = call;
      const [id, type] = [decoded("user"), typeOf(call)];
      const patch = parseJson(await jsonBytes(call.upload()), userPatch);
      const user = await control.users.patch(ctx, param("id"), id, patch, type);
      return { status: 200, json: wireUserOf(user) };
    },
  },
  {
    method: "DELETE",
    url: "/v1/tenants/:id/users/:user",
    run: async (call) => {
      const { control, ctx, param, decoded } = call;
      await control.users.remove(ctx, param("id"), decoded("user"), typeOf(call));
      return { status: 204 };
    },
  },
  post({
    url: "/v1/tenants/:id/groups",
    schema: groupRequest,
    run: async ({ control, ctx, param }, { id }) =>
      groupMade(await control.groups.create(ctx, param("id"), id)),
    again: async (call, { id }) => groupMade(await findGroup(call, id)),
  }),
  {
    method: "GET",
    url: "/v1/tenants/:id/groups",
    run: async (call) => {
      const tenant = call.param("id");
      const list = `groups ${tenant}`;
      const page = await call.control.groups.list(call.ctx, tenant, paged(call, list));
      return pageAnswer(call, list, page, wireGroupOf);
    },
  },
  {
    method: "DELETE",
    url: "/v1/tenants/:id/groups/:group",
    run: async ({ control, ctx, param, decoded }) => {
      await control.groups.remove(ctx, param("id"), decoded("group"));
      return { status: 204 };
    },
  },
];
