import {
  type Backend,
  type BackendPath,
  child,
  type OpContext,
  parseBackendPath,
  type Stat,
} from "@bulkhead/contract";
import { blobName } from "./place.ts";

export interface ListedBlob {
  readonly id: string;
  /** Milliseconds since the epoch, by the storage's clock. */
  readonly modifiedAt: number;
}

async function* entriesOf(
  ctx: OpContext,
  content: Backend,
  path: BackendPath,
): AsyncGenerator<Stat> {
  let after: string | undefined;
  do {
    const page = await content.list(ctx, path, after === undefined ? {} : { after });
    yield* page.entries;
    after = page.next;
  } while (after !== undefined);
}

/** Every blob that a content storage shows. What has no blob's name is left alone. */
export const listBlobs = async (ctx: OpContext, content: Backend): Promise<ListedBlob[]> => {
  const blobs: ListedBlob[] = [];
  const root = parseBackendPath("");
  for await (const shelf of entriesOf(ctx, content, root)) {
    if (shelf.kind !== "directory" || !/^[0-9a-f]{2}$/.test(shelf.name)) continue;
    for await (const { name, kind, modifiedAt } of entriesOf(ctx, content, child(root, shelf.name)))
      if (kind === "file" && blobName.test(name)) blobs.push({ id: name, modifiedAt });
  }
  return blobs;
};
