import { api, type Answer, type Api, member } from "../support/api.ts";
import type { TestServer } from "../support/start-server.ts";

/** A request body or query, as it goes out. */
export type Body = Readonly<Record<string, unknown>>;

/** Somebody with a key, and what it asks of relations. */
export interface Person extends Api {
  readonly key: string;
  readonly keyId: string;
  readonly read: (path: string) => Promise<Answer>;
  readonly write: (path: string, body?: string) => Promise<Answer>;
  readonly post: (route: string, body: Body) => Promise<Answer>;
  /** Grants, and answers the id. Throws unless that is allowed. */
  readonly gives: (
    subject: string,
    relation: string,
    object: string,
    more?: Body,
  ) => Promise<string>;
}

/** A tenant with an administrator who holds a key of its own, and how to get more people. */
export interface RelatedTenant {
  readonly id: string;
  readonly root: string;
  readonly admin: Person;
  readonly person: (id: string, scopes?: readonly string[]) => Promise<Person>;
  /** A key that is bound to `below`, the whole root by default. */
  readonly capability: (below?: string, scopes?: readonly string[]) => Promise<Person>;
}

const spelled = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

/** Somebody who speaks with a key. */
export const person = (url: string, key: string, keyId: string): Person => {
  const own = api(url, key);
  const post: Person["post"] = (route, body) => own.send("POST", `/v1/${route}`, { body });
  return {
    ...own,
    key,
    keyId,
    post,
    read: (path) => own.send("GET", `/v1/files${spelled(path)}`),
    write: (path, body = "written") => own.send("PUT", `/v1/files${spelled(path)}`, { body }),
    gives: async (subject, relation, object, more = {}) => {
      const answer = await post("relations", { subject, relation, object, ...more });
      if (answer.status !== 201) throw new Error(`No grant: ${answer.status} ${answer.text}`);
      return member(answer, "id");
    },
  };
};

const everything = ["read", "write", "share"];

/** Makes a tenant and its administrator, a user of the id `<id>-root`. */
export const relatedTenant = async (server: TestServer, id: string): Promise<RelatedTenant> => {
  const platform = person(server.url, server.platformKey, "platform");
  const must = async (answer: Promise<Answer>): Promise<Answer> => {
    const { status, text } = await answer;
    if (status >= 300) throw new Error(`${status} ${text}`);
    return answer;
  };
  const minted = async (body: Body): Promise<Person> => {
    const answer = await must(platform.post("keys", body));
    return person(server.url, member(answer, "key"), member(answer, "id"));
  };
  const known = (user: string, scopes: readonly string[]): Promise<Person> =>
    minted({ tenant: id, name: user, subject: { type: "user", id: user }, scopes });
  const root = `/workspace/${id}`;
  await must(platform.post("tenants", { id }));
  await must(platform.post(`tenants/${id}/users`, { id: `${id}-root`, role: "admin" }));
  return {
    id,
    root,
    admin: await known(`${id}-root`, [...everything, "admin"]),
    person: (user, scopes = everything) => known(user, scopes),
    capability: (below = "", scopes = [...everything, "admin"]) =>
      minted({ name: `cap${below}`, workspacePrefix: `${root}${below}`, scopes }),
  };
};
