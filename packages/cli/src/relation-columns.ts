import type { Relations } from "@bulkhead/client";
import { shortTime } from "./human.ts";
import type { Column } from "./table.ts";

/** A relation as the server answers it. */
export type RelationRow = ReturnType<Relations["list"]> extends AsyncIterable<infer R> ? R : never;

/** How relations are listed: who, what, on which. */
export const relationColumns: readonly Column<RelationRow>[] = [
  { title: "ID", value: ({ id }) => id },
  {
    title: "SUBJECT",
    value: ({ subject, subjectTenant }) =>
      subjectTenant === null ? subject : `${subject} of ${subjectTenant}`,
  },
  { title: "RELATION", value: ({ relation }) => relation },
  { title: "OBJECT", value: ({ object }) => object },
  { title: "TENANT", value: ({ tenant }) => tenant },
  { title: "EXPIRES", value: ({ expiresAt }) => shortTime(expiresAt) },
  { title: "BY", value: ({ createdBy }) => createdBy },
];
