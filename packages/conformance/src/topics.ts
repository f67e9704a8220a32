import type { Topic } from "./case.ts";
import { attributes } from "./topics/attributes.ts";
import { cancelling } from "./topics/cancelling.ts";
import { committing } from "./topics/committing.ts";
import { conditions } from "./topics/conditions.ts";
import { directories } from "./topics/directories.ts";
import { history } from "./topics/history.ts";
import { listing } from "./topics/listing.ts";
import { naming } from "./topics/naming.ts";
import { racingTrees } from "./topics/racing-trees.ts";
import { racing } from "./topics/racing.ts";
import { reading } from "./topics/reading.ts";
import { removing } from "./topics/removing.ts";
import { copying, moving } from "./topics/transfers.ts";
import { wandering } from "./topics/wandering.ts";
import { writing } from "./topics/writing.ts";

/** The whole suite, in the order in which it is worth reading. */
export const topics: readonly Topic[] = [
  writing,
  attributes,
  conditions,
  reading,
  listing,
  directories,
  copying,
  moving,
  removing,
  history,
  naming,
  cancelling,
  committing,
  racing,
  racingTrees,
  wandering,
];
