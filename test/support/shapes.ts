import { z } from "zod";
import type { Answer } from "./api.ts";

const listing = z.object({
  entries: z.array(z.object({ path: z.string(), name: z.string(), kind: z.string() })),
});
const minted = z.object({ id: z.string(), key: z.string() });

/** The entries of a listing. Throws if the answer is none. */
export const entriesOf = (answer: Answer): z.infer<typeof listing>["entries"] =>
  listing.parse(answer.json).entries;

/** The id and secret of a key that was just minted. Throws if the answer holds none. */
export const mintedOf = (answer: Answer): z.infer<typeof minted> => minted.parse(answer.json);
