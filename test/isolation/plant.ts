import { randomBytes } from "node:crypto";
import { api, type Api, makeTenant, member } from "../support/api.ts";

/** A tenant with things in it that nobody else may ever see. */
export interface Planted {
  readonly id: string;
  readonly key: string;
  readonly api: Api;
  /** Paths below the root of what exists there. */
  readonly file: string;
  readonly directory: string;
  /** Words that must be in no other tenant's answer: names, content, ETags, sizes. */
  readonly secrets: readonly string[];
}

const word = (): string => randomBytes(9).toString("hex");

/** Makes a tenant and plants its canaries. `size` is told apart from every other number in an answer. */
export const plant = async (
  url: string,
  platform: Api,
  id: string,
  size: number,
): Promise<Planted> => {
  const key = await makeTenant(platform, id, ["read", "write", "admin"]);
  const own = api(url, key);
  const [name, directory, content, inner] = [word(), word(), word(), word()] as [
    string,
    string,
    string,
    string,
  ];
  const file = await own.send("PUT", `/v1/files/${directory}/${name}`, {
    body: content.padEnd(size, "."),
  });
  const nested = await own.send("PUT", `/v1/files/data/${inner}`, { body: content });
  return {
    id,
    key,
    api: own,
    file: `${directory}/${name}`,
    directory,
    secrets: [
      name,
      directory,
      content,
      inner,
      String(size),
      member(file, "etag"),
      member(nested, "etag"),
    ],
  };
};

/** Everything a tenant has, as its own key sees it. */
export const inventory = async ({ api: own }: Pick<Planted, "api">): Promise<string> => {
  const { status, text } = await own.send("GET", "/v1/list/?recursive=true&limit=1000");
  if (status !== 200) throw new Error(`No inventory: ${status} ${text}`);
  return text;
};
