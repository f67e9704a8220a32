import { headObject } from "./head-object.ts";
import { spellings } from "./spellings.ts";
import { bareEtag, type Store, type StoredObject } from "./store.ts";

/** One answer of the store; in its own order. */
export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  /** What keys begin with that hold a further slash, up to and with it; only where asked for. */
  readonly prefixes: readonly string[];
  /** Continues behind this page, if there is more. */
  readonly next: string | undefined;
}

export interface ObjectQuery {
  readonly prefix: string;
  /** Asks for one level alone. */
  readonly level?: boolean;
  /** At most so many, 1,000 by default. */
  readonly max?: number;
  readonly startAfter?: string | undefined;
  readonly next?: string | undefined;
}

/** In a query's encoding a plus is a space; a plus itself is escaped. */
const decoded = (key: string): string => {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
};

/** Asks for keys, in an encoding where the store has it: XML cannot hold all that a key can. */
export const listObjects = async (
  { api, bucket }: Pick<Store, "api" | "bucket">,
  { prefix, level = false, max = 1000, startAfter, next }: ObjectQuery,
  signal: AbortSignal,
): Promise<ObjectPage> => {
  const page = await api.listObjectsV2(
    {
      Bucket: bucket,
      Prefix: prefix,
      MaxKeys: max,
      EncodingType: "url",
      ...(level && { Delimiter: "/" }),
      ...(startAfter !== undefined && { StartAfter: startAfter }),
      ...(next !== undefined && { ContinuationToken: next }),
    },
    { abortSignal: signal },
  );
  // A store that cannot tell every character cannot tell those of the prefix either, and that is known.
  const plain =
    page.EncodingType === "url"
      ? decoded
      : (key: string): string => prefix + key.slice(prefix.length);
  return {
    objects: (page.Contents ?? []).map(({ Key = "", Size = 0, ETag, LastModified }) => ({
      key: plain(Key),
      size: Size,
      etag: bareEtag(ETag),
      modifiedAt: LastModified?.getTime() ?? 0,
    })),
    prefixes: (page.CommonPrefixes ?? []).map(({ Prefix = "" }) => plain(Prefix)),
    next: page.IsTruncated === true ? page.NextContinuationToken : undefined,
  };
};

/**
 * A folder that a store shows though nobody made it, and which goes by itself: it has no ETag, because it is no object.
 */
export const isEmptyFolder = ({ key, etag }: StoredObject): boolean =>
  key.endsWith("/") && etag === "";

/** Everything below a prefix, page by page, but what is the storage's own. */
export async function* pagesBelow(
  store: Pick<Store, "api" | "bucket" | "keys" | "support">,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredObject[]> {
  let next: string | undefined;
  do {
    const page = await listObjects(store, { prefix, next }, signal);
    const listed = page.objects.filter(({ key }) => !store.keys.isOwn(key));
    const objects = store.support.everyCharacter
      ? listed
      : await trueObjects(store, prefix, listed, signal);
    if (objects.length > 0) yield objects;
    next = page.next;
  } while (next !== undefined);
}

/** The objects behind keys that came with U+FFFD: whichever spelling is there. */
const trueObjects = async (
  { api, bucket }: Pick<Store, "api" | "bucket">,
  prefix: string,
  listed: readonly StoredObject[],
  signal: AbortSignal,
): Promise<readonly StoredObject[]> => {
  const told = new Map<string, StoredObject>();
  for (const object of listed) {
    const all = spellings(object.key.slice(prefix.length));
    if (all.length === 1) told.set(object.key, object);
    else
      for (const rest of all) {
        const key = prefix + rest;
        const head = await headObject({ api, bucket }, key, signal);
        if (head !== undefined) told.set(key, { ...object, key, size: head.size, etag: head.etag });
      }
  }
  return [...told.values()];
};
