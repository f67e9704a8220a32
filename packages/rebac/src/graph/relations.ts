import {
  allocate,
  chunkOf,
  get,
  none,
  placeIn,
  type Records,
  records,
  release,
  set,
} from "./records.ts";

// The fields of a relation.
export const subjectOf = 0;
export const placeOf = 1;
const bitsAndEnd = 2;
const lowEnd = 3;
export const nextAtPlace = 4;
const previousAtPlace = 5;
export const nextOfSubject = 6;
const previousOfSubject = 7;

// What a relation says. The three roles that give something are the three lowest bits.
export const owner = 1;
export const editor = 2;
export const viewer = 4;
export const blocked = 8;
/** Only for what lies below the place. */
export const below = 16;
const bitsWidth = 5;
const bitsMask = (1 << bitsWidth) - 1;

/** Relations between subjects and places, each in the list of its place and in that of its subject. */
export interface Relations {
  readonly rows: Records;
  readonly places: Records;
  readonly firstAtPlace: number;
  readonly subjects: Records;
  readonly firstOfSubject: number;
  /** A subject's blocks are a list of their own: they are few, and all of them count wherever something is looked for. */
  readonly firstOfBlocks: number;
  /** Relations by subject for the places that have many, where places are asked for subjects at all. */
  readonly crowded: Map<number, Map<number, number[]>> | undefined;
}

/** From how many relations a place counts as crowded. */
export const crowd = 64;

export const relations = (
  places: Records,
  firstAtPlace: number,
  subjects: Records,
  firstOfSubject: number,
  firstOfBlocks: number,
  crowds: boolean,
): Relations => ({
  rows: records(),
  places,
  firstAtPlace,
  subjects,
  firstOfSubject,
  firstOfBlocks,
  crowded: crowds ? new Map() : undefined,
});

/** An end as it is kept: whole milliseconds, earlier rather than later; 0 for none. */
export const keptEnd = (expiresAt: number | undefined): number => {
  if (expiresAt === undefined || expiresAt === Infinity) return 0;
  // What is no moment at all has been over for ever.
  if (!(expiresAt >= 1)) return 1;
  return Math.min(Math.floor(expiresAt), 2 ** 53 - 1);
};

/** What the relation says that lies in `chunk` at `at`. */
export const bitsIn = (chunk: Int32Array, at: number): number => chunk[at | bitsAndEnd]! & bitsMask;

export const bitsOf = (on: Relations, row: number): number =>
  bitsIn(chunkOf(on.rows, row), placeIn(row));

/** When the relation ends that lies in `chunk` at `at`, in milliseconds; Infinity if it does not. */
export const endIn = (chunk: Int32Array, at: number): number => {
  const high = chunk[at | bitsAndEnd]! >>> bitsWidth;
  const low = chunk[at | lowEnd]!;
  return (high | low) === 0 ? Infinity : high * 2 ** 32 + (low >>> 0);
};

export const endOf = (on: Relations, row: number): number =>
  endIn(chunkOf(on.rows, row), placeIn(row));

const listFor = (on: Relations, bits: number): number =>
  (bits & blocked) === 0 ? on.firstOfSubject : on.firstOfBlocks;

const joinCrowd = (on: Relations, place: number, row: number, subject: number): void => {
  if (on.crowded === undefined) return;
  const held = on.crowded.get(place);
  if (held !== undefined) {
    const rows = held.get(subject);
    if (rows === undefined) held.set(subject, [row]);
    else rows.push(row);
    return;
  }
  let count = 0;
  let at = get(on.places, place, on.firstAtPlace);
  while (at !== none && count < crowd) {
    count += 1;
    at = get(on.rows, at, nextAtPlace);
  }
  if (count < crowd) return;
  const made = new Map<number, number[]>();
  on.crowded.set(place, made);
  for (at = get(on.places, place, on.firstAtPlace); at !== none;) {
    joinCrowd(on, place, at, get(on.rows, at, subjectOf));
    at = get(on.rows, at, nextAtPlace);
  }
};

/** Adds a relation; `end` is a kept one. */
export const relate = (
  on: Relations,
  subject: number,
  place: number,
  bits: number,
  end: number,
): number => {
  const { rows } = on;
  const row = allocate(rows);
  const high = Math.floor(end / 2 ** 32);
  set(rows, row, subjectOf, subject);
  set(rows, row, placeOf, place);
  set(rows, row, bitsAndEnd, (high << bitsWidth) | bits);
  set(rows, row, lowEnd, end | 0);
  const atPlace = get(on.places, place, on.firstAtPlace);
  set(rows, row, nextAtPlace, atPlace);
  set(rows, row, previousAtPlace, none);
  if (atPlace !== none) set(rows, atPlace, previousAtPlace, row);
  set(on.places, place, on.firstAtPlace, row);
  const list = listFor(on, bits);
  const ofSubject = get(on.subjects, subject, list);
  set(rows, row, nextOfSubject, ofSubject);
  set(rows, row, previousOfSubject, none);
  if (ofSubject !== none) set(rows, ofSubject, previousOfSubject, row);
  set(on.subjects, subject, list, row);
  joinCrowd(on, place, row, subject);
  return row;
};

const leaveCrowd = (on: Relations, place: number, row: number, subject: number): void => {
  const held = on.crowded?.get(place);
  const ofSubject = held?.get(subject);
  if (held === undefined || ofSubject === undefined) return;
  ofSubject.splice(ofSubject.indexOf(row), 1);
  if (ofSubject.length === 0) held.delete(subject);
  if (held.size === 0) on.crowded?.delete(place);
};

/** Takes a relation away; the place stays, be it empty. */
export const unrelate = (on: Relations, row: number): void => {
  const { rows } = on;
  const place = get(rows, row, placeOf);
  const subject = get(rows, row, subjectOf);
  leaveCrowd(on, place, row, subject);
  const nextHere = get(rows, row, nextAtPlace);
  const previousHere = get(rows, row, previousAtPlace);
  if (previousHere === none) set(on.places, place, on.firstAtPlace, nextHere);
  else set(rows, previousHere, nextAtPlace, nextHere);
  if (nextHere !== none) set(rows, nextHere, previousAtPlace, previousHere);
  const next = get(rows, row, nextOfSubject);
  const previous = get(rows, row, previousOfSubject);
  if (previous === none) set(on.subjects, subject, listFor(on, bitsOf(on, row)), next);
  else set(rows, previous, nextOfSubject, next);
  if (next !== none) set(rows, next, previousOfSubject, previous);
  release(rows, row);
};

/** One relation of exactly these values, or `none`. Looks through the shorter of the two lists it would be in. */
export const findRelation = (
  on: Relations,
  subject: number,
  place: number,
  bits: number,
  end: number,
): number => {
  const { rows } = on;
  const kept = end === 0 ? Infinity : end;
  const isIt = (row: number): boolean =>
    get(rows, row, subjectOf) === subject &&
    get(rows, row, placeOf) === place &&
    bitsOf(on, row) === bits &&
    endOf(on, row) === kept;
  let here = get(on.places, place, on.firstAtPlace);
  let ofSubject = get(on.subjects, subject, listFor(on, bits));
  while (here !== none && ofSubject !== none) {
    if (isIt(here)) return here;
    if (isIt(ofSubject)) return ofSubject;
    here = get(rows, here, nextAtPlace);
    ofSubject = get(rows, ofSubject, nextOfSubject);
  }
  return none;
};
