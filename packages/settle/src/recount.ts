import { isFileError, parseBackendPath, type Backend, type OpContext } from "@bulkhead/contract";
import { compareUtf8, walk } from "@bulkhead/kit";
import type { Accounted } from "./ports.ts";

/** A file whose charge is not its size; undefined where it is not there or not charged. */
export interface Difference {
  readonly path: string;
  readonly found: number | undefined;
  readonly charged: number | undefined;
}

export interface Recount {
  /** What lies in the storage. */
  readonly found: { readonly bytes: number; readonly files: number };
  /** Found less charged. */
  readonly drift: { readonly bytes: number; readonly files: number };
  /** The first thousand, in byte order. */
  readonly differences: readonly Difference[];
}

const pageSize = 1000;
const mostDifferences = 1000;
const rounds = 5;
const pauseMs = 200;

/**
 * Compares what a storage is charged with, file by file, with what is really there. Changes go on meanwhile: the first
 * thousand that differ are looked at again until they stay so, since a change is charged a moment after it is seen.
 * Rejects with `unavailable` where the storage cannot be asked.
 */
export const recount = async (
  ctx: OpContext,
  backend: Backend,
  accounted: Accounted,
  mount: string,
): Promise<Recount> => {
  const found = { bytes: 0, files: 0 };
  const drift = { bytes: 0, files: 0 };
  const suspects: Difference[] = [];
  const count = (one: Difference): void => {
    drift.bytes += (one.found ?? 0) - (one.charged ?? 0);
    drift.files += Number(one.found !== undefined) - Number(one.charged !== undefined);
  };
  const compare = (path: string, stored: number | undefined, charged: number | undefined): void => {
    if (stored === charged) return;
    const difference = { path, found: stored, charged };
    if (suspects.length < mostDifferences) suspects.push(difference);
    else count(difference);
  };

  const rows = charges(accounted, mount)[Symbol.asyncIterator]();
  let row = await rows.next();
  for await (const entry of walk(backend, ctx, parseBackendPath(""))) {
    if (entry.kind === "directory") continue;
    const path = entry.path.join("/");
    found.files += 1;
    found.bytes += entry.size;
    for (; row.done !== true && compareUtf8(row.value.path, path) < 0; row = await rows.next())
      compare(row.value.path, undefined, row.value.size);
    if (row.done !== true && row.value.path === path) {
      compare(path, entry.size, row.value.size);
      row = await rows.next();
    } else compare(path, entry.size, undefined);
  }
  for (; row.done !== true; row = await rows.next())
    compare(row.value.path, undefined, row.value.size);
  const differences = await confirmed(ctx, backend, accounted, mount, suspects);
  differences.forEach(count);
  return { found, drift, differences };
};

async function* charges(
  accounted: Accounted,
  mount: string,
): AsyncGenerator<{ readonly path: string; readonly size: number }> {
  let after = "";
  for (;;) {
    const page = await accounted.page(mount, after, pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.path;
  }
}

/** Looks again until what differs is the same twice, or does not differ. */
const confirmed = async (
  ctx: OpContext,
  backend: Backend,
  accounted: Accounted,
  mount: string,
  suspects: readonly Difference[],
): Promise<readonly Difference[]> => {
  let left = suspects;
  for (let round = 0, stable = false; round < rounds && left.length > 0 && !stable; round++) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const sizes = await accounted.sizes(
      mount,
      left.map(({ path }) => path),
    );
    stable = true;
    const again: Difference[] = [];
    for (const { path, found: before, charged: charge } of left) {
      const found = await sizeOf(ctx, backend, path);
      const charged = sizes.get(path);
      stable &&= found === before && charged === charge;
      if (found !== charged) again.push({ path, found, charged });
    }
    left = again;
  }
  return left;
};

const sizeOf = async (
  ctx: OpContext,
  backend: Backend,
  path: string,
): Promise<number | undefined> => {
  try {
    const stat = await backend.stat(ctx, parseBackendPath(path));
    return stat.kind === "file" ? stat.size : undefined;
  } catch (error) {
    if (isFileError(error, "not-found") || isFileError(error, "not-directory")) return undefined;
    throw error;
  }
};
