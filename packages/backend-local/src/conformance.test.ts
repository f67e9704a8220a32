import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conformance } from "@bulkhead/conformance";
import { describe, it } from "vitest";
import { local } from "./local.ts";

for (const durability of ["strict", "relaxed"] as const)
  conformance(
    { describe, it },
    {
      name: `local, ${durability}`,
      open: async () => {
        const root = await mkdtemp(join(tmpdir(), "bulkhead-local-"));
        const left = (name: string): Promise<string[]> => readdir(join(root, ".bulkhead", name));
        return {
          backend: await local({ root, durability }),
          close: () => rm(root, { recursive: true }),
          scratchIsEmpty: async () =>
            (await left("staging")).length + (await left("trash")).length === 0,
        };
      },
    },
  );
