import type { Topic } from "./case.ts";
import { conditions } from "./topics/conditions.ts";
import { writing } from "./topics/writing.ts";

/** The whole suite, in the order in which it is worth reading. */
export const topics: readonly Topic[] = [writing, conditions];
