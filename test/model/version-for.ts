import { encodePath, parseRequestPath } from "@bulkhead/contract";
import { recordPage, wireVersion } from "@bulkhead/wire";
import { api } from "../support/api.ts";
import type { System } from "./system.ts";

/** What the system calls the nth of the earlier contents of a place; a name of none where there are fewer. */
export const versionFor = async (
  system: System,
  place: string,
  nth: number | undefined,
): Promise<string | undefined> => {
  if (nth === undefined) return undefined;
  const target = `/v1/versions${encodePath(parseRequestPath(place.replace(/(.)\/$/, "$1") || "/"))}`;
  const { status, json } = await api(system.url(), system.platformKey).send("GET", target);
  const entries = status === 200 ? recordPage(wireVersion).parse(json).items : [];
  return entries.filter(({ kind }) => kind === "write")[nth]?.version ?? "999999999999";
};
