import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend, OpContext } from "@bulkhead/contract";
import { parseBackendPath } from "@bulkhead/contract";
import { collect, plainContext, textBody } from "@bulkhead/kit";
import { onTestFinished } from "vitest";

export const at: typeof parseBackendPath = parseBackendPath;
export const ctx = (commit?: OpContext["commit"]): OpContext =>
  plainContext(commit ? { commit } : {});

/** A fresh directory, gone when the test is over. */
export const scratch = async (): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), "bulkhead-local-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return root;
};

/** Everything under a root but the storage's own: contents by path, directories as null. */
export const tree = async (root: string): Promise<Record<string, string | null>> => {
  const found: Record<string, string | null> = {};
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name).slice(root.length + 1);
    if (path.split("/")[0] === ".bulkhead") continue;
    found[path] = entry.isFile() ? await readFile(join(root, path), "utf8") : null;
  }
  return found;
};

/** The names in staging and trash. */
export const leftovers = async (root: string): Promise<string[]> => [
  ...(await readdir(join(root, ".bulkhead", "staging"))),
  ...(await readdir(join(root, ".bulkhead", "trash"))),
];

export const put = (backend: Backend, path: string, text: string): ReturnType<Backend["write"]> =>
  backend.write(ctx(), at(path), textBody(text));

export const get = async (backend: Backend, path: string): Promise<string> => {
  await using answer = await backend.read(ctx(), at(path));
  return new TextDecoder().decode(await collect(answer.content));
};

export const codeOf = async (attempt: Promise<unknown>): Promise<unknown> => {
  try {
    await attempt;
    return "resolved";
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
};
