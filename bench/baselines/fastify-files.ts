// Bare Fastify over a folder: GET answers `readFile`, PUT writes durably (staged, synced, renamed, folder synced).
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import Fastify from "fastify";

const [folder = "."] = process.argv.slice(2);
const app = Fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

app.get<{ Params: { name: string } }>("/:name", (request) =>
  readFile(join(folder, request.params.name)),
);

let staged = 0;
app.put<{ Params: { name: string }; Body: Buffer }>("/:name", async (request, reply) => {
  const at = join(folder, request.params.name);
  const stage = `${at}.${(staged += 1)}`;
  {
    await using file = await open(stage, "wx");
    await file.writeFile(request.body);
    await file.datasync();
  }
  await rename(stage, at);
  await using directory = await open(folder);
  await directory.sync();
  return reply.code(201).send();
});

const url = await app.listen({ host: "127.0.0.1", port: 0 });
process.stdout.write(`listening on ${url}\n`);
process.once("SIGTERM", () => void app.close());
