import { checkPromised } from "../../packages/front-http/src/test/promised.ts";

/** An answer of `/v1`, its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined if it is none. */
  readonly json: unknown;
}

/** Speaks plain HTTP with one key. */
export interface Api {
  readonly send: (
    method: string,
    target: string,
    options?: { readonly body?: unknown; readonly headers?: Record<string, string> },
  ) => Promise<Answer>;
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** `body` goes out as it is where it is text or bytes, as JSON otherwise. */
export const api = (url: string, key: string | undefined): Api => ({
  send: async (method, target, { body, headers = {} } = {}) => {
    const raw = typeof body === "string" || body instanceof Uint8Array ? body : undefined;
    const response = await fetch(`${url}${target}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && raw === undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: raw ?? JSON.stringify(body) }),
    });
    const text = await response.text();
    checkPromised({
      method,
      target,
      status: response.status,
      headers: new Map(response.headers),
      body: text,
    });
    return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
  },
});

/** Reads one member of a JSON body. Throws if it is not there. */
export const member = (answer: Answer, name: string): string => {
  const value: unknown =
    typeof answer.json === "object" && answer.json !== null
      ? Reflect.get(answer.json, name)
      : undefined;
  if (typeof value !== "string") throw new Error(`No ${name} in ${answer.status} ${answer.text}`);
  return value;
};

/** Makes a tenant with the platform key and mints a key for its root. */
export const makeTenant = async (
  platform: Api,
  id: string,
  scopes?: readonly string[],
): Promise<string> => {
  const made = await platform.send("POST", "/v1/tenants", { body: { id } });
  if (made.status !== 201) throw new Error(`No tenant ${id}: ${made.status} ${made.text}`);
  return mintKey(platform, {
    name: id,
    workspacePrefix: `/workspace/${id}`,
    ...(scopes && { scopes }),
  });
};

/** Mints a key and returns its secret. */
export const mintKey = async (
  by: Api,
  input: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const minted = await by.send("POST", "/v1/keys", { body: input });
  if (minted.status !== 201) throw new Error(`No key: ${minted.status} ${minted.text}`);
  return member(minted, "key");
};
