import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { exitCodes, run } from "bulkhead";
import { errorCodes } from "@bulkhead/contract";
import { bulkhead } from "@bulkhead/harness";
import { fileStat, wireVersion } from "@bulkhead/wire";
import { z } from "zod";
import type { Operation, Range } from "../call.ts";
import { bodyOf, grantedOf, lineOf, mintedOf, objectOf, statOf, versionOf } from "./bodies.ts";
import type { Front, Spoken } from "./front.ts";

const rangeOf = (range: Range): string =>
  "suffix" in range ? `-${range.suffix}` : `${range.start}-${range.end ?? ""}`;

const flag = (name: string, value: string | undefined): string[] =>
  value === undefined ? [] : [`${name}=${value}`];
const when = (name: string, wanted: boolean): string[] => (wanted ? [name] : []);

/** The words of a command line; `source` is where content comes from. */
const wordsOf = (operation: Operation, source: string): readonly string[] => {
  switch (operation.op) {
    case "stat":
      return ["stat", operation.path];
    case "versions":
      return ["version", "ls", operation.path];
    case "restore":
      return ["version", "restore", operation.path, operation.version ?? ""];
    case "read":
      if (operation.version !== undefined)
        return ["version", "cat", operation.path, operation.version];
      return [
        "cat",
        ...flag("--range", operation.range && rangeOf(operation.range)),
        operation.path,
      ];
    case "list":
      return ["ls", ...when("-R", operation.recursive), operation.path];
    case "write": {
      const { mode, etag, path, type, meta } = operation;
      return [
        "put",
        ...when("-n", mode === "create"),
        ...flag("--if-match", etag),
        ...flag("--content-type", type),
        ...flag("--meta", meta && `note=${meta}`),
        source,
        path,
      ];
    }
    case "append":
      return ["append", source, operation.path];
    case "mkdir":
      return ["mkdir", ...when("-p", operation.parents), operation.path];
    case "remove":
      return ["rm", ...(operation.recursive ? ["-r", "-y"] : []), operation.path];
    case "copy":
    case "move": {
      const { from, to, overwrite, etag } = operation;
      const verb = operation.op === "copy" ? "cp" : "mv";
      return [verb, ...when("-f", overwrite), ...flag("--if-match", etag), from, to];
    }
    case "glob":
      return ["find", operation.path, operation.pattern];
    case "whoami":
      return ["whoami"];
    case "mint": {
      const { prefix, subject, tenant, scopes, expiresAt } = operation;
      return [
        "key",
        "create",
        "--name",
        "k",
        ...flag("--prefix", prefix),
        ...flag("--subject", subject),
        ...flag("--tenant", tenant),
        ...flag("--scopes", scopes?.join(",")),
        ...flag(
          "--expires",
          expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
        ),
      ];
    }
    case "narrow":
      return [
        "key",
        "update",
        operation.id,
        ...flag("--scopes", operation.scopes?.join(",")),
        ...flag("--prefix", operation.prefix),
      ];
    case "revoke":
      return ["key", "revoke", operation.id];
    case "rotate":
      return ["key", "rotate", operation.id, "--overlap", String(operation.overlapSeconds)];
    case "user":
      return [
        "user",
        "create",
        operation.subject,
        ...flag("--tenant", operation.tenant),
        ...flag("--role", operation.role),
      ];
    case "removeUser":
      return ["user", "rm", operation.subject, ...flag("--tenant", operation.tenant)];
    case "group":
      return ["group", "create", operation.id, ...flag("--tenant", operation.tenant)];
    case "removeGroup":
      return ["group", "rm", operation.id, ...flag("--tenant", operation.tenant)];
    case "grant":
    case "check": {
      const { object, tenant } = objectOf(operation);
      const { op, subject, subjectTenant } = operation;
      const expiresAt = op === "grant" ? operation.expiresAt : undefined;
      return [
        op,
        subject,
        op === "grant" ? operation.relation : operation.permission,
        object,
        ...flag("--subject-tenant", subjectTenant),
        ...flag("--tenant", tenant),
        ...flag(
          "--expires",
          expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
        ),
      ];
    }
    case "ungrant":
      return ["revoke", operation.id];
    case "create":
      return ["tenant", "create", operation.tenant, "--root", operation.root];
    case "suspend":
    case "reactivate":
      return ["tenant", operation.op, operation.tenant];
    case "limit": {
      const limit = (name: string, most: number | null): string[] => [
        "--limit",
        `${name}=${most ?? "unlimited"}`,
      ];
      const { tenant, bytes, files } = operation;
      return ["quota", "set", tenant, ...limit("bytes", bytes), ...limit("files", files)];
    }
    case "delete":
      return ["tenant", "delete", operation.tenant, "--confirm", operation.tenant];
    default:
      return operation satisfies never;
  }
};

const speaks = (operation: Operation): boolean => {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the rest has words
  switch (operation.op) {
    case "list":
      return operation.pageSize === undefined;
    case "remove":
      return operation.match === undefined;
    case "delete":
      return operation.confirmed;
    // A slash at the end of a target means "into it" to a command line.
    case "write":
      return operation.path !== "/";
    case "copy":
    case "move":
      return operation.to !== "/";
    default:
      return true;
  }
};

const failure = z.object({ error: z.object({ code: z.string() }) });
const path = z.object({ path: z.string() });

interface Run {
  readonly code: number;
  readonly out: Buffer;
  readonly err: string;
}

const spoken = (operation: Operation, { code, out, err }: Run): Spoken => {
  // A question is answered with no as it is with yes.
  const isNo = operation.op === "check" && code === exitCodes.forbidden && out.length > 0;
  if (code !== 0 && !isNo) {
    const last = err.trim().split("\n").at(-1) ?? "";
    if (!last.startsWith("{")) throw new Error(`Exit ${code}: ${err}`);
    const said = failure.parse(JSON.parse(last)).error.code;
    const known = errorCodes.find((one) => one === said);
    if (known === undefined || exitCodes[known] !== code)
      throw new Error(`Exit ${code} for ${err}`);
    return { code: said };
  }
  const text = out.toString();
  const lines = text.split("\n").filter((line) => line !== "");
  switch (operation.op) {
    case "read":
      return { body: { content: out.toString("latin1") } };
    case "list": {
      const stats = lines.map((line) => fileStat.parse(JSON.parse(line)));
      // `ls` of a file shows the file: the server said that it is no directory.
      if (stats[0]?.path === operation.path) return { code: "not-directory" };
      return { body: { entries: stats.map(lineOf) } };
    }
    case "versions":
      return {
        body: { entries: lines.map((line) => versionOf(wireVersion.parse(JSON.parse(line)))) },
      };
    case "glob":
      return { body: { paths: lines.map((line) => path.parse(JSON.parse(line)).path) } };
    case "stat":
      return { body: statOf(fileStat.parse(JSON.parse(text))) };
    case "mkdir":
    case "remove":
    case "copy":
    case "move":
    case "revoke":
    case "delete":
    case "removeUser":
    case "removeGroup":
    case "ungrant":
      return {};
    case "write":
    case "append":
    case "restore":
    case "whoami":
    case "mint":
    case "narrow":
    case "rotate":
    case "create":
    case "suspend":
    case "reactivate":
    case "limit":
    case "user":
    case "group":
    case "grant":
    case "check": {
      const json: unknown = JSON.parse(text);
      const [minted, granted] = [mintedOf(operation, json), grantedOf(operation, json)];
      return { body: bodyOf(operation, json), minted, granted };
    }
    default:
      return operation satisfies never;
  }
};

const within = (prefix: string | undefined): string[] => flag("--workspace-prefix", prefix);

const gathering = (): { stream: PassThrough; all: () => Buffer } => {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, all: () => Buffer.concat(chunks) };
};

/** The command line, called in this process. */
export const cli: Front = {
  name: "cli",
  speaks,
  perform: async (caller, operation) => {
    const [out, err] = [gathering(), gathering()];
    const content = "content" in operation ? operation.content : "";
    const code = await run(["--json", ...within(caller.within), ...wordsOf(operation, "-")], {
      stdin: Readable.from([Buffer.from(content)]),
      stdout: out.stream,
      stderr: err.stream,
      isTTY: { stdin: false, stdout: false, stderr: false },
      env: { HOME: caller.folder, BULKHEAD_URL: caller.url, BULKHEAD_KEY: caller.key },
      cwd: caller.folder,
      fetch: caller.fetch,
    });
    await new Promise((resolve) => setImmediate(resolve));
    return spoken(operation, { code, out: out.all(), err: err.all().toString() });
  },
};

/** The command line as a process of its own, as a user runs it. */
export const cliProcess: Front = {
  name: "process",
  speaks: (operation) => operation.op !== "read" && speaks(operation),
  perform: async (caller, operation) => {
    const source = join(caller.folder, "content");
    if ("content" in operation) await writeFile(source, operation.content);
    const process = bulkhead(["--json", ...within(caller.within), ...wordsOf(operation, source)], {
      cwd: caller.folder,
      env: {
        HOME: caller.folder,
        XDG_CONFIG_HOME: caller.folder,
        BULKHEAD_URL: caller.url,
        BULKHEAD_KEY: caller.key,
      },
    });
    const { code } = await process.exited;
    const out = Buffer.from(process.stdout.map((line) => `${line}\n`).join(""));
    const err = process.stderr.join("\n");
    const { minted, ...said } = spoken(operation, { code: code ?? -1, out, err });
    // What goes to stderr repeats the words of the command line.
    return { ...said, minted, output: minted === undefined ? out.toString() : "" };
  },
};
