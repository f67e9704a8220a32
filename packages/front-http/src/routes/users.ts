import { FileError, type GroupRecord, type UserRecord } from "@bulkhead/contract";
import {
  groupRequest,
  userPatch,
  userRequest,
  userType,
  wireGroup,
  wireGroupOf,
  wireUser,
  wireUserOf,
} from "@bulkhead/wire";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { done, found, made, pageOf, paging, type QueryParameter, recording } from "../describe.ts";
import { malformed } from "../fault.ts";
import { pageAnswer, paged } from "./paged.ts";
import { post, taking } from "./post.ts";

const typeOf = ({ query }: Call): UserRecord["type"] | undefined => {
  const text = query.text("type");
  if (text === undefined) return undefined;
  const type = userType.safeParse(text);
  if (!type.success) throw malformed("The parameter 'type' is 'user', 'agent' or 'service'.");
  return type.data;
};

const typeParameter: QueryParameter = {
  name: "type",
  does: "`user` by default.",
  schema: userType,
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
    id: "createUser",
    does: "`{ id, type?, email?, fullName?, role? }`; `type` is `user` (default), `agent` or `service`, `role` `owner`, `admin`, `editor` or `member` (default). 201. The role gives relations.",
    example: { id: "alice", email: "alice@acme.example", role: "member" },
    answers: made(wireUser),
    refuses: recording,
    schema: userRequest,
    run: async ({ control, ctx, param }, input) =>
      userMade(await control.users.create(ctx, param("id"), input)),
    again: async ({ control, ctx, param }, { id, type = "user" }) =>
      userMade(await control.users.get(ctx, param("id"), id, type)),
  }),
  {
    method: "GET",
    url: "/v1/tenants/:id/users",
    id: "listUsers",
    does: "A page of users. `?type=`.",
    query: [...paging, { name: "type", does: "Those of this type alone.", schema: userType }],
    answers: pageOf(wireUser),
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
    id: "getUser",
    does: "One user.",
    query: [typeParameter],
    answers: found(wireUser),
    run: async (call) => {
      const { control, ctx, param, decoded } = call;
      const user = await control.users.get(ctx, param("id"), decoded("user"), typeOf(call));
      return { status: 200, json: wireUserOf(user) };
    },
  },
  taking("PATCH", {
    url: "/v1/tenants/:id/users/:user",
    id: "changeUser",
    does: "`{ email?, fullName?, role?, status? }`. A suspended user's keys are refused.",
    query: [typeParameter],
    example: { role: "editor" },
    answers: found(wireUser),
    refuses: recording,
    schema: userPatch,
    run: async (call, patch) => {
      const { control, ctx, param, decoded } = call;
      const user = await control.users.patch(
        ctx,
        param("id"),
        decoded("user"),
        patch,
        typeOf(call),
      );
      return { status: 200, json: wireUserOf(user) };
    },
  }),
  {
    method: "DELETE",
    url: "/v1/tenants/:id/users/:user",
    id: "removeUser",
    does: "Ends its keys and every relation that names it. 204.",
    query: [typeParameter],
    answers: done,
    refuses: ["conflict"],
    run: async (call) => {
      const { control, ctx, param, decoded } = call;
      await control.users.remove(ctx, param("id"), decoded("user"), typeOf(call));
      return { status: 204 };
    },
  },
  post({
    url: "/v1/tenants/:id/groups",
    id: "createGroup",
    does: "`{ id }`. 201. Who is in it are relations `member`.",
    example: { id: "staff" },
    answers: made(wireGroup),
    refuses: recording,
    schema: groupRequest,
    run: async ({ control, ctx, param }, { id }) =>
      groupMade(await control.groups.create(ctx, param("id"), id)),
    again: async (call, { id }) => groupMade(await findGroup(call, id)),
  }),
  {
    method: "GET",
    url: "/v1/tenants/:id/groups",
    id: "listGroups",
    does: "A page of groups.",
    query: paging,
    answers: pageOf(wireGroup),
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
    id: "removeGroup",
    does: "Ends it and every relation that names it. 204.",
    answers: done,
    refuses: ["conflict"],
    run: async ({ control, ctx, param, decoded }) => {
      await control.groups.remove(ctx, param("id"), decoded("group"));
      return { status: 204 };
    },
  },
];
