import { fileStat, type Health, health, type WireWhoAmI, wireWhoAmI } from "@bulkhead/wire";
import { type Audit, createAudit } from "./audit.ts";
import { baseUrl } from "./base-url.ts";
import { type Bills, createBills } from "./bills.ts";
import { type FileData, payloadOf } from "./data.ts";
import { contentOf, gather, type RemoteContent, readRequest } from "./download.ts";
import { createResidency, type Residency } from "./residency.ts";
import { effect } from "./effect.ts";
import { NotFoundError } from "./errors.ts";
import { createExplain, type Explain } from "./explain.ts";
import { createGroups, type Groups } from "./groups.ts";
import { createHistory, type History } from "./history.ts";
import { createJobs, type Jobs } from "./jobs.ts";
import { createKeys, type Keys } from "./keys.ts";
import { entriesOf } from "./listing.ts";
import { createModels, type Models } from "./models.ts";
import { createMounts, type Mounts } from "./mounts.ts";
import type * as Options from "./options.ts";
import { postHeaders } from "./post.ts";
import { type Check, createCheck, createRelations, type Relations } from "./relations.ts";
import { RemoteStats } from "./remote-stats.ts";
import { glob, grep, type GrepMatch } from "./search.ts";
import { createShares, type Shares } from "./shares.ts";
import { checkedPath, pathTarget, relativeTo } from "./target.ts";
import { createTenants, type Tenants } from "./tenants.ts";
import { createQuota, type Quotas } from "./quota.ts";
import type { Schema, Sending, Transport } from "./transport.ts";
import { transportOf } from "./transport-of.ts";
import { etagHeader, lengthHeaders, writeHeaders } from "./upload.ts";
import { type UploadData, uploadInParts } from "./upload-file.ts";
import { createUsers, type Users } from "./users.ts";
import { transfer } from "./transfer.ts";
import { writingStream } from "./writing-stream.ts";

type ReadText = Options.ReadFileOptions & { readonly encoding: "utf8" | "utf-8" };

/**
 * A file system on a Bulkhead server, with the names of `node:fs/promises` where they fit. Paths begin at the key's home;
 * below `/workspace` and `/tenants` they are absolute. Every method rejects with a `BulkheadError`, or with the reason of
 * its `signal`. Needs nothing but `fetch`.
 */
export class RemoteFS {
  /** Where the server is, without a slash at its end. */
  readonly url: string;
  readonly keys: Keys;
  readonly tenants: Tenants;
  readonly quota: Quotas;
  readonly users: Users;
  readonly groups: Groups;
  readonly relations: Relations;
  readonly models: Models;
  readonly mounts: Mounts;
  readonly residency: Residency;
  readonly shares: Shares;
  readonly check: Check;
  readonly explain: Explain;
  readonly versions: History["versions"];
  readonly restore: History["restore"];
  readonly changes: History["changes"];
  readonly audit: Audit;
  readonly bills: Bills;
  readonly jobs: Jobs;
  readonly #options: Options.RemoteFSOptions;
  readonly #transport: Transport;

  constructor(options: Options.RemoteFSOptions) {
    this.#options = options;
    this.#transport = transportOf(options);
    this.url = baseUrl(options.url);
    this.keys = createKeys(this.#transport);
    this.users = createUsers(this.#transport);
    this.relations = createRelations(this.#transport);
    this.groups = createGroups(this.#transport, this.relations);
    this.models = createModels(this.#transport);
    this.residency = createResidency(this.#transport);
    this.mounts = createMounts(this.#transport);
    this.shares = createShares(this.#transport, this.url);
    this.check = createCheck(this.relations);
    this.explain = createExplain(this.#transport);
    this.jobs = createJobs(this.#transport);
    this.tenants = createTenants(this.#transport, this.jobs);
    this.quota = createQuota(this.#transport, this.jobs);
    ({
      versions: this.versions,
      restore: this.restore,
      changes: this.changes,
    } = createHistory(this.#transport));
    this.audit = createAudit(this.#transport);
    this.bills = createBills(this.#transport);
  }

  /** The same server by the same key, for calls that act for somebody: `fs.as("user:alice").readFile(…)`. */
  as(subject: string, namespace?: string): RemoteFS {
    const named = namespace === undefined ? {} : { namespace };
    return new RemoteFS({ ...this.#options, as: subject, ...named });
  }

  /** Reads a whole file, or a range of it: text with an encoding, bytes without. */
  readFile(path: string, options: "utf8" | "utf-8" | ReadText): Promise<string>;
  readFile(path: string, options?: Options.ReadFileOptions): Promise<Uint8Array<ArrayBuffer>>;
  async readFile(
    path: string,
    options: "utf8" | "utf-8" | ReadText | Options.ReadFileOptions = {},
  ): Promise<string | Uint8Array<ArrayBuffer>> {
    const text = typeof options === "string" || "encoding" in options;
    const bytes = await gather(await this.open(path, typeof options === "string" ? {} : options));
    return text ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) : bytes;
  }

  /** Begins to read: content and what its headers say, in one answer. Read the stream or cancel it. */
  async open(path: string, options: Options.ReadFileOptions = {}): Promise<RemoteContent> {
    const response = await this.#transport.send(readRequest("GET", path, options));
    return contentOf(response, options.signal);
  }

  /** Reads as a stream, whose errors are this package's too. */
  async readStream(
    path: string,
    options: Options.ReadFileOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return (await this.open(path, options)).stream;
  }

  /**
   * Writes a file, making its parents; readers see the old content until all of the new is stored. Data that is pulled
   * is sent as it comes, in runtimes that can (not Firefox and Safari).
   */
  async writeFile(
    path: string,
    data: FileData,
    options: Options.WriteFileOptions = {},
  ): Promise<RemoteStats> {
    const payload = payloadOf(data);
    return this.#stat({
      method: "PUT",
      target: pathTarget("files", path),
      headers: { ...lengthHeaders(payload, options.size), ...writeHeaders(options) },
      payload,
      signal: options.signal,
    });
  }

  /**
   * Makes a stream to write into. Closing it resolves once the file is stored, and rejects if it was not; aborting it
   * leaves the old content.
   */
  writeStream(path: string, options: Options.WriteFileOptions = {}): WritableStream<Uint8Array> {
    return writingStream((data) => this.writeFile(path, data, options));
  }

  /**
   * Writes a file in parts that survive whatever breaks off: lost connections, restarts of the server, and, with
   * `options.upload`, of this program. Nobody sees any of it before all is there.
   */
  async uploadFile(
    path: string,
    data: UploadData,
    options: Options.UploadFileOptions = {},
  ): Promise<RemoteStats> {
    await uploadInParts(this.#transport, path, data, options);
    return this.stat(path, options.signal === undefined ? {} : { signal: options.signal });
  }

  /** Appends in one step, making file and parents. */
  async appendFile(
    path: string,
    data: FileData,
    options: Options.AppendOptions = {},
  ): Promise<RemoteStats> {
    const payload = payloadOf(data);
    return this.#stat({
      method: "POST",
      target: pathTarget("append", path),
      headers: { ...postHeaders(options), ...lengthHeaders(payload, options.size) },
      payload,
      signal: options.signal,
      repeatable: true,
    });
  }

  async stat(path: string, options: Options.CallOptions = {}): Promise<RemoteStats> {
    const target = pathTarget("stat", path);
    return this.#stat({ method: "GET", target, signal: options.signal, repeatable: true });
  }

  /** False where there is nothing, or nothing that may be read; any other failure rejects. */
  async exists(path: string, options: Options.CallOptions = {}): Promise<boolean> {
    try {
      await this.stat(path, options);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }

  /** Yields the entries of a directory in UTF-8 byte order, page by page as they are consumed. */
  list(
    path: string,
    options: Options.ListOptions = {},
  ): AsyncGenerator<RemoteStats, void, undefined> {
    return entriesOf(this.#transport, path, options);
  }

  /** Lists a directory, all pages of it: names, or with `recursive` paths from `path` on; entries `withFileTypes`. */
  readdir(
    path: string,
    options: Options.ReaddirOptions & { readonly withFileTypes: true },
  ): Promise<RemoteStats[]>;
  readdir(
    path: string,
    options?: Options.ReaddirOptions & { readonly withFileTypes?: false | undefined },
  ): Promise<string[]>;
  async readdir(
    path: string,
    options: Options.ReaddirOptions = {},
  ): Promise<string[] | RemoteStats[]> {
    const entries: RemoteStats[] = [];
    for await (const entry of this.list(path, options)) entries.push(entry);
    if (options.withFileTypes === true) return entries;
    return entries.map((entry) => relativeTo(path, entry.path));
  }

  async mkdir(path: string, options: Options.MkdirOptions = {}): Promise<void> {
    const recursive = options.recursive === true;
    await this.#done({
      method: "POST",
      target: "/v1/mkdir",
      headers: postHeaders(options),
      json: {
        path: checkedPath(path),
        ...(recursive && { parents: true, existOk: true }),
      },
      signal: options.signal,
      repeatable: true,
    });
  }

  /** Removes a file or an empty directory, and with `recursive` whatever is there. Resolves once it is gone. */
  async rm(path: string, options: Options.RmOptions = {}): Promise<void> {
    try {
      await this.#done({
        method: "DELETE",
        target: pathTarget("files", path),
        query: { recursive: options.recursive === true || undefined },
        headers: { "If-Match": etagHeader(options.ifMatch) },
        signal: options.signal,
      });
    } catch (error) {
      if (options.force !== true || !(error instanceof NotFoundError)) throw error;
    }
  }

  /** Moves a file or directory; unlike Node's it replaces nothing unless told to. Resolves once it is there. */
  async rename(from: string, to: string, options: Options.MoveOptions = {}): Promise<void> {
    await transfer(this.#transport, this.jobs, "move", [from, to], options);
  }

  /** Copies a file, or a directory with all that is in it; replaces nothing unless told to. Resolves once it is there. */
  async cp(from: string, to: string, options: Options.MoveOptions = {}): Promise<void> {
    await transfer(this.#transport, this.jobs, "copy", [from, to], options);
  }

  /** Yields the paths that match: `*`, `?`, `[…]` within a name, `**` across names. */
  glob(
    pattern: string,
    options: Options.GlobOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    return glob(this.#transport, pattern, options);
  }

  /** Yields the lines that match a regular expression (RE2) in the files below `path`. */
  grep(
    pattern: string,
    options: Options.GrepOptions = {},
  ): AsyncGenerator<GrepMatch, void, undefined> {
    return grep(this.#transport, pattern, options);
  }

  async whoami(options: Options.CallOptions = {}): Promise<WireWhoAmI> {
    return this.#look("/v1/whoami", wireWhoAmI, options);
  }

  /** Asks whether the server lives; needs no key. */
  async health(options: Options.CallOptions = {}): Promise<Health> {
    return this.#look("/health", health, options);
  }

  #look<T>(target: string, shape: Schema<T>, { signal }: Options.CallOptions): Promise<T> {
    return this.#transport.ask({ method: "GET", target, signal, repeatable: true }, shape);
  }

  async #stat(sending: Sending): Promise<RemoteStats> {
    return new RemoteStats(await this.#transport.ask(sending, fileStat));
  }

  #done(sending: Sending): Promise<void> {
    return effect(this.#transport, this.jobs, sending);
  }
}
