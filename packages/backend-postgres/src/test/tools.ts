import type { Backend, OpContext } from "@bulkhead/contract";
import { parseBackendPath } from "@bulkhead/contract";
import { bytesBody, collect, plainContext, textBody } from "@bulkhead/kit";

export const at: typeof parseBackendPath = parseBackendPath;
export const ctx = (commit?: OpContext["commit"]): OpContext =>
  plainContext(commit ? { commit } : {});

export const put = (
  backend: Backend,
  path: string,
  content: string | Uint8Array,
  context: OpContext = ctx(),
): ReturnType<Backend["write"]> =>
  backend.write(
    context,
    at(path),
    typeof content === "string" ? textBody(content) : bytesBody(content),
  );

export const bytesOf = async (backend: Backend, path: string): Promise<Uint8Array> => {
  await using answer = await backend.read(ctx(), at(path));
  return await collect(answer.content);
};

export const get = async (backend: Backend, path: string): Promise<string> =>
  new TextDecoder().decode(await bytesOf(backend, path));

/** Everything stored: contents by path, directories as null. */
export const tree = async (
  backend: Backend,
  under = "",
): Promise<Record<string, string | null>> => {
  const found: Record<string, string | null> = {};
  for (const entry of (await backend.list(ctx(), at(under))).entries) {
    const path = under === "" ? entry.name : `${under}/${entry.name}`;
    found[path] = entry.kind === "file" ? await get(backend, path) : null;
    if (entry.kind === "directory") Object.assign(found, await tree(backend, path));
  }
  return found;
};

export const codeOf = async (attempt: Promise<unknown>): Promise<unknown> => {
  try {
    await attempt;
    return "resolved";
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
};

/** Bytes that repeat only after long. */
export const pattern = (length: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
};

/** A door that opens once. */
export const gate = (): { readonly open: () => void; readonly passed: Promise<void> } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: () => resolve(), passed: promise };
};
