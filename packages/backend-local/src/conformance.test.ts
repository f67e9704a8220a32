import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conformance } from "@bulkhead/conformance";
import { describe, it } from "vitest";
import { local } from "./local.ts";

const open = async () => {
  const root = await mkdtemp(join(tmpdir(), "bulkhead-local-"));
  const left = (name: string): Promise<string[]> => readdir(join(root, ".bulkhead", name));
  return {
    backend: await local({ root }),
    close: () => rm(root, { recursive: true }),
    scratchIsEmpty: async () => [...(await left("staging")), ...(await left("trash"))].length === 0,
  };
};
conformance({ describe, it }, { name: "local", open });
