/** How far one question may go. Beyond, what is not known by then is `indeterminate`. */
export interface QuestionLimits {
  /** Steps from one relation to the next. */
  readonly depth: number;
  /** Relations, usersets and conditions looked at. */
  readonly steps: number;
  /** Of time, in milliseconds. */
  readonly time: number;
}

/** What a question, or all questions of one list, may still look at. */
export interface Allowance {
  /** Takes steps away; false from the moment on at which there are none left, or no time. */
  readonly spend: (steps?: number) => boolean;
  readonly spent: () => boolean;
}

/** Steps between two looks at the clock. */
const pace = 256;

export const allowanceOf = (limits: QuestionLimits): Allowance => {
  const until = performance.now() + limits.time;
  let left = limits.steps;
  let untilLook = pace;
  return {
    spend: (steps = 1) => {
      if (left < 0) return false;
      left -= steps;
      untilLook -= steps;
      if (untilLook < 0) {
        untilLook = pace;
        if (performance.now() > until) left = -1;
      }
      return left >= 0;
    },
    spent: () => left < 0,
  };
};
