/** The subjects that a closure stands on in one graph, by number, each with the moment from which it no longer does. */
export interface Ring {
  readonly numbers: readonly number[];
  readonly ends: readonly number[];
  /** Open addressing, at most half full; plain arrays, which are made five times as fast as typed ones. Undefined for a few. */
  readonly slots: readonly number[] | undefined;
  /** Beside `slots`; undefined if nothing ends. */
  readonly slotEnds: readonly number[] | undefined;
  readonly shift: number;
}

const empty = -1;
/** Up to how many numbers are looked through one by one: a table costs more to make than it saves. */
const few = 16;

/** `numbers` holds none twice; `ends` goes beside it. */
export const ring = (numbers: readonly number[], ends: readonly number[]): Ring => {
  if (numbers.length <= few)
    return { numbers, ends, slots: undefined, slotEnds: undefined, shift: 0 };
  let bits = 6;
  while (1 << bits < numbers.length * 2) bits += 1;
  const shift = 32 - bits;
  const mask = (1 << bits) - 1;
  const slots: number[] = [];
  for (let i = 0; i <= mask; i++) slots.push(empty);
  let slotEnds: number[] | undefined;
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    const end = ends[i]!;
    let slot = Math.imul(number, 0x9e3779b1) >>> shift;
    while (slots[slot] !== empty) slot = (slot + 1) & mask;
    slots[slot] = number;
    if (end === Infinity) continue;
    slotEnds ??= slots.map(() => Infinity);
    slotEnds[slot] = end;
  }
  return { numbers, ends, slots, slotEnds, shift };
};

/** Until when the ring stands on a subject: Infinity for ever, 0 if it does not. */
export const standsUntil = (on: Ring, number: number): number => {
  const { slots } = on;
  if (slots === undefined) {
    const { numbers } = on;
    for (let i = 0; i < numbers.length; i++) if (numbers[i] === number) return on.ends[i]!;
    return 0;
  }
  const mask = slots.length - 1;
  let slot = Math.imul(number, 0x9e3779b1) >>> on.shift;
  for (;;) {
    const held = slots[slot]!;
    if (held === number) return on.slotEnds === undefined ? Infinity : on.slotEnds[slot]!;
    if (held === empty) return 0;
    slot = (slot + 1) & mask;
  }
};
