import { FileError, isFileError, parseBackendPath, type Stat } from "@bulkhead/contract";
import { chunksOf, plainContext, walk } from "@bulkhead/kit";
import type { Cli } from "../cli.ts";
import { UsageError } from "../failure.ts";
import type { ImportSource, SourceEntry } from "./source.ts";

const setting = (cli: Cli, ...names: readonly string[]): string | undefined =>
  names.map((name) => cli.io.env[name]).find((value) => value !== undefined && value !== "");

const fileOf = ({ size, etag }: Stat): { readonly size: number; readonly stamp: string } => {
  if (etag === undefined) throw new FileError("unavailable", "The store gives an object no ETag.");
  return { size, stamp: etag };
};

/**
 * A bucket, or what lies below a prefix in one, written as `s3://bucket/prefix` and reached with what the environment
 * says in AWS's own variables. Nothing is written there.
 */
export const bucketSource = async (cli: Cli, given: string): Promise<ImportSource> => {
  const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(given) ?? [];
  const accessKeyId = setting(cli, "AWS_ACCESS_KEY_ID");
  const secretAccessKey = setting(cli, "AWS_SECRET_ACCESS_KEY");
  if (bucket === "") throw new UsageError(`'${given}' names no bucket; write s3://bucket/prefix`);
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new UsageError("a bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  const { s3 } = await import("@bulkhead/backend-s3");
  const options = {
    bucket,
    prefix: prefix.replace(/\/$/, ""),
    endpoint: setting(cli, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    region: setting(cli, "AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1",
    accessKeyId,
    secretAccessKey,
    sessionToken: setting(cli, "AWS_SESSION_TOKEN"),
  };
  const backend = await s3({ ...options, readOnly: true });
  const signal = cli.signal ?? new AbortController().signal;
  const ctx = plainContext({ signal, requestId: "import" });
  const at = (below: readonly string[]) => parseBackendPath(below.join("/"));
  const spelled = (below: readonly string[]): string =>
    `s3://${[bucket, ...(options.prefix === "" ? [] : [options.prefix]), ...below].join("/")}`;
  let removing: ReturnType<typeof s3> | undefined;

  return {
    name: `${options.endpoint ?? "aws"} ${spelled([])}`,
    spelled,
    holds: () => false,
    async *entries(unfit): AsyncGenerator<SourceEntry> {
      let directory: readonly string[] | undefined;
      const left = function* (next: readonly string[]): Generator<SourceEntry> {
        if (directory?.some((name, i) => next[i] !== name) === true)
          yield { below: directory, kind: "empty", size: 0, stamp: "" };
        directory = undefined;
      };
      for await (const entry of walk(backend, ctx, at([]))) {
        yield* left(entry.path);
        if (entry.kind === "directory") directory = entry.path;
        else yield { below: entry.path, kind: "file", ...fileOf(entry) };
      }
      yield* left([]);
      const { count, examples } = await backend.hidden(signal);
      for (const key of examples)
        unfit({ spelled: `s3://${bucket}/${key}`, why: "Its key is no path that Bulkhead has." });
      if (count > examples.length)
        unfit({
          spelled: spelled([]),
          why: `So it is with ${count - examples.length} further keys.`,
        });
    },
    open: async (below, use) => {
      await using read = await backend.read(ctx, at(below));
      const { stat, content } = read;
      return use({
        ...fileOf(stat),
        data: chunksOf(content),
        contentType: stat.contentType,
        metadata: stat.metadata,
      });
    },
    remove: async (below, stamp) => {
      removing ??= s3(options);
      try {
        await (await removing).remove(ctx, at(below), { ifMatch: stamp });
        return true;
      } catch (error) {
        if (isFileError(error, "not-found") || isFileError(error, "precondition-failed"))
          return false;
        throw error;
      }
    },
    // A bucket has no directories but those that keys lead through.
    tidy: () => Promise.resolve(),
    close: async () => {
      await (await removing)?.close();
      await backend.close();
    },
  };
};
