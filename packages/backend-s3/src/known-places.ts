import { type BackendPath, isRoot, isUnder, nameOf, parent } from "@bulkhead/contract";
import { LRUCache } from "lru-cache";
import { listObjects } from "./list-objects.ts";
import type { Store } from "./store.ts";

/** What is known of directories, so that a write that cannot meet one is not preceded by a look. */
export interface KnownPlaces {
  /** True if there is no directory at the path: none was there a moment ago, and none has been made by us since. */
  readonly isNoDirectory: (path: BackendPath) => boolean;
  /** Says that somebody had to look. Where that is done again and again, the directories beside are found out at once. */
  readonly looked: (path: BackendPath) => void;
  /** Told before something is put at a path: the directories above it are there from now on. */
  readonly making: (path: BackendPath) => void;
  /** Told before a directory is made at a path, with whatever is put below it. */
  readonly makingDirectory: (path: BackendPath) => void;
  /** Says that a file was met where none was expected; then files are looked for first, for a while. */
  readonly met: (path: BackendPath) => void;
  readonly meets: (path: BackendPath) => boolean;
}

interface Place {
  /** Names of directories. What is in it may be gone; what is not is none, until `until`. */
  names: Set<string>;
  /** Collects while the directory is listed. */
  fresh: Set<string> | undefined;
  until: number;
  /** Looks, and what spared one, since it was last listed, or tried to be. */
  looks: number;
  /** Pages that took. */
  pages: number;
  /** Not listed before. */
  next: number;
  metUntil: number;
}

/** How long what was seen is believed where others write, too. */
const believedMs = 30_000;
/** A directory of more pages than these, or more directories, is not listed for writes. */
const mostPages = 100;
const mostNames = 5000;

/** Characters that a store may not be able to tell from each other. */
const isDoubtful = (name: string): boolean => /[\ufffd-\uffff]/u.test(name);

export const knownPlaces = (
  store: Pick<Store, "api" | "bucket" | "keys" | "support" | "limits">,
): KnownPlaces => {
  const places = new LRUCache<BackendPath, Place>({ max: 200 });
  const now = (): number => performance.now();

  const at = (directory: BackendPath): Place => {
    const found = places.get(directory);
    if (found !== undefined) return found;
    const place: Place = {
      names: new Set(),
      fresh: undefined,
      until: 0,
      looks: 0,
      pages: 0,
      next: 0,
      metUntil: 0,
    };
    places.set(directory, place);
    return place;
  };

  const list = async (directory: BackendPath, place: Place): Promise<void> => {
    const begun = now();
    const fresh = new Set<string>();
    [place.fresh, place.looks, place.next] = [fresh, 0, begun + believedMs];
    try {
      const prefix = store.keys.below(directory);
      const signal = AbortSignal.timeout(believedMs / 2);
      let next: string | undefined;
      for (place.pages = 1; place.pages <= mostPages; place.pages += 1) {
        const found = await listObjects(store, { prefix, level: true, next }, signal);
        for (const one of found.prefixes) fresh.add(one.slice(prefix.length, -1));
        next = found.next;
        if (next === undefined || fresh.size > mostNames) break;
      }
      if (next !== undefined) return;
      place.names = fresh;
      // As of the moment before it was listed: what others made since may not have been seen.
      [place.until, place.next] = [begun + believedMs, 0];
    } catch {
      // Then every write goes on looking.
    } finally {
      place.fresh = undefined;
    }
  };

  /** A listing is as dear as a look for each of its pages. */
  const listIfWorth = (directory: BackendPath, place: Place): void => {
    const isWorth = place.looks >= Math.max(store.limits.looks, place.pages);
    if (isWorth && place.fresh === undefined && now() >= place.next) void list(directory, place);
  };

  const add = (directory: BackendPath, name: string): void => {
    const place = places.peek(directory);
    if (place === undefined) return;
    place.names.add(name);
    place.fresh?.add(name);
    if (place.names.size > 2 * mostNames) places.delete(directory);
  };

  const making = (path: BackendPath): void => {
    for (let one = parent(path); one !== undefined && !isRoot(one); one = parent(one))
      add(parent(one) ?? one, nameOf(one));
  };

  return {
    isNoDirectory: (path) => {
      const directory = parent(path);
      if (directory === undefined) return false;
      const place = places.get(directory);
      const name = nameOf(path);
      if (place === undefined || now() >= place.until || place.names.has(name)) return false;
      if (!store.support.everyCharacter && isDoubtful(name)) return false;
      place.looks += 1;
      // Anew before its time is over, so that writes that go on need not look meanwhile.
      if (now() > place.until - believedMs / 3) listIfWorth(directory, place);
      return true;
    },
    looked: (path) => {
      const directory = parent(path);
      if (directory === undefined) return;
      const place = at(directory);
      place.looks += 1;
      listIfWorth(directory, place);
    },
    making,
    makingDirectory: (path) => {
      making(path);
      if (!isRoot(path)) add(parent(path) ?? path, nameOf(path));
      // What comes to lie below is not told one by one.
      for (const one of places.keys()) if (isUnder(path, one)) places.delete(one);
    },
    met: (path) => {
      at(parent(path) ?? path).metUntil = now() + believedMs;
    },
    meets: (path) => (places.peek(parent(path) ?? path)?.metUntil ?? 0) > now(),
  };
};
