// The HTTP front twice in one process, over folders on one disk: before the engine, and before its storage alone.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { local } from "@bulkhead/backend-local";
import { type Context, parseVirtualPath } from "@bulkhead/contract";
import { openEngine } from "@bulkhead/engine";
import { httpFront } from "@bulkhead/front-http";
import { MountTable, scoped, tree } from "@bulkhead/vfs";

const [databaseUrl = "", folder = "", platformKey = ""] = process.argv.slice(2);
await mkdir(join(folder, "bare"));
const engine = await openEngine({
  databaseUrl,
  dataDir: folder,
  masterKeyFingerprint: "b".repeat(32),
  certificateKey: new Uint8Array(32),
  platformKey,
  region: undefined,
  namespaceRoots: ["workspace"],
  placements: {
    local: {
      backend: "local",
      options: { root: join(folder, "governed") },
      durability: "strict",
      readOnly: false,
    },
  },
  defaultPlacement: "local",
  mounts: [],
  log: () => undefined,
});
const table = MountTable.of([
  { id: "/", path: parseVirtualPath("/"), backend: await local({ root: join(folder, "bare") }) },
]);
const door = scoped(
  (ctx: Context) => ctx.principal.reach,
  ["workspace"],
  () => undefined,
);
const bare = {
  ...engine.control,
  session: { ...engine.control.session, ...door(tree(() => table)) },
};
for (const control of [bare, engine.control]) {
  const front = httpFront({ control, version: "bench", cursorKeys: [new Uint8Array(32)] });
  const { url } = await front.listen({ host: "127.0.0.1", port: 0 });
  process.stdout.write(`${control === bare ? "bare" : "listening"} on ${url}\n`);
}
