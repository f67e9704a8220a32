import { stat } from "node:fs/promises";
import { readMarker } from "@bulkhead/backend-local";
import { s3 } from "@bulkhead/backend-s3";
import { type Finding, isFileError } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import type { ExaminedLedger } from "@bulkhead/ledger";
import { type StorageSpec } from "../mount-spec.ts";
import { bucketOptions } from "../open-bucket.ts";
import { configuredMountId, platformFolder, platformMount } from "../root-folders.ts";
import { type ExamineOptions, type NamedStorage, storagesOf } from "./examine-options.ts";

const askMs = 30_000;

const wantedRegion = ({ region }: StorageSpec): string | undefined =>
  typeof region === "string" ? region : undefined;

const wrongRegion = (name: string, wanted: string, real: string | undefined): Finding => ({
  check: "region",
  state: "failed",
  detail:
    real === undefined
      ? `The ${name} has to be in '${wanted}', and its storage does not say where it is: it answers 503.`
      : `The ${name} has to be in '${wanted}', and its storage is in '${real}': it answers 503.`,
  next:
    real === undefined
      ? `Where you know that it is there, write region: { attested: ${wanted} }.`
      : `Correct its region or its bucket. Nothing is written where it must not be.`,
});

/** A bucket: whether it answers, where it is, and what in it has no legal path. */
async function* examineBucket(
  { name, spec }: NamedStorage,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const place = spec.options.s3;
  if (place === undefined || place.accessKeyId === undefined) return;
  const bucket = `bucket ${place.bucket} of the ${name}`;
  try {
    const options = await bucketOptions({ spec, place: { spec: place } });
    const backend = await s3({ ...options, readOnly: true });
    try {
      const ctx = plainContext({ requestId: "doctor", signal: AbortSignal.timeout(askMs) });
      await backend.probe(ctx);
      yield { check: "bucket", state: "ok", detail: `The ${bucket} answers.` };
      const wanted = wantedRegion(spec);
      if (wanted !== undefined) {
        const real = await backend.region();
        yield real === wanted
          ? { check: "region", state: "ok", detail: `The ${name} is in '${wanted}'.` }
          : wrongRegion(name, wanted, real);
      }
      // A placement's objects have names that say nothing.
      if (spec.backend !== "s3") return;
      const { count, examples } = await backend.hidden(signal);
      yield count === 0
        ? { check: "hidden keys", state: "ok", detail: `The ${bucket} has none.` }
        : {
            check: "hidden keys",
            state: "warning",
            detail: `The ${bucket} has ${count} keys that are no legal path, and are not shown: ${examples.map((key) => JSON.stringify(key)).join(", ")}`,
            next: "Rename them with the store's own tools, if they are to be seen.",
          };
    } finally {
      await backend.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    const why = isFileError(error) ? error.message : "it could not be asked";
    yield {
      check: "bucket",
      state: "failed",
      detail: `The ${bucket} does not answer as it should: ${why}`,
      next: "Look at endpoint, bucket and credentials of it in the configuration, and at the store.",
    };
  }
}

/** The folders that the ledger knows by a marker. */
async function* examineMarkers(
  { dataDir, mounts }: ExamineOptions,
  { markers }: ExaminedLedger,
): AsyncGenerator<Finding> {
  const known = [
    { name: "platform's files", id: platformMount, folder: platformFolder(dataDir) },
    ...mounts.flatMap((spec) =>
      spec.backend === "local" && spec.options.root !== undefined
        ? [
            {
              name: `mount ${spec.path}`,
              id: configuredMountId(spec),
              folder: spec.options.root,
            },
          ]
        : [],
    ),
  ];
  for (const { name, id, folder } of known) {
    const expected = markers.get(id);
    if (expected === undefined) continue;
    const found = await readMarker(folder).catch(() => undefined);
    if (found === expected) continue;
    const there = (await stat(folder).catch(() => undefined)) !== undefined;
    yield {
      check: "marker",
      state: "failed",
      detail: !there
        ? `The folder ${folder} of the ${name} is not there.`
        : found === undefined
          ? `The folder ${folder} of the ${name} is not the one that was recorded: its marker is missing.`
          : `The folder ${folder} of the ${name} is another's: it was used by a server with another database, or swapped.`,
      next: "Mount the disk that it was on, or name the folder or database that belong together.",
    };
  }
}

/** Looks at storages: regions, buckets, and folders that have to be the recorded ones. */
export async function* examineStorages(
  options: ExamineOptions,
  ledger: ExaminedLedger | undefined,
): AsyncGenerator<Finding> {
  if (ledger !== undefined) yield* examineMarkers(options, ledger);
  for (const storage of storagesOf(options)) {
    const { name, spec } = storage;
    const wanted = wantedRegion(spec);
    if (spec.options.s3 !== undefined) yield* examineBucket(storage, options.signal);
    // Rows lie where the ledger is, and a folder never says.
    else if (wanted !== undefined) yield wrongRegion(name, wanted, undefined);
  }
}
