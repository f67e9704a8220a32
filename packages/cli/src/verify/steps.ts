import { headerNames } from "@bulkhead/wire";
import type { Seeded } from "./seeded.ts";
import type { Asked } from "./trials.ts";

/** Who takes a step: the tenant whose answers are compared, the other one, or the platform on the other one's account. */
export type By = "own" | "other" | "platform";

/** A request of a trace. `<own>` and `<other>` stand for the two tenants. */
export interface Step extends Asked {
  readonly by: By;
}

const names = ["a", "b", "c.txt", "d", "é", "z%20z"] as const;

const json = (value: unknown): Pick<Asked, "headers" | "body"> => ({
  headers: { "Content-Type": "application/json" },
  body: Buffer.from(JSON.stringify(value)),
});

const encoded = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

/** A path of one's own: one to three names. */
const pathBy = (draw: Seeded): string =>
  Array.from({ length: 1 + draw.below(3) }, () => `/${draw.one(names)}`).join("");

const conditions = (draw: Seeded): Readonly<Record<string, string>> =>
  draw.one([{}, {}, {}, { "If-None-Match": "*" }, { "If-Match": '"1-0000000000000000"' }]);

/** What a tenant does in its own tree. */
const ownStep = (draw: Seeded): Asked => {
  const path = pathBy(draw);
  const target = encoded(path);
  const length = draw.one([0, 1, 100, 5000, 40_000]);
  switch (draw.below(14)) {
    case 0:
    case 1:
    case 2:
      return {
        method: "PUT",
        target: `/v1/files${target}`,
        headers: conditions(draw),
        body: draw.bytes(length),
      };
    case 3:
    case 4:
      return { method: "GET", target: `/v1/files${target}` };
    case 5:
      return { method: "GET", target: `/v1/stat${target}` };
    case 6:
      return {
        method: "GET",
        target: `/v1/list${draw.one(["/", target])}?limit=${1 + draw.below(3)}&recursive=${draw.one(["true", "false"])}`,
      };
    case 7:
      return {
        method: "DELETE",
        target: `/v1/files${target}?recursive=${draw.one(["true", "false"])}`,
      };
    case 8:
      return { method: "POST", target: `/v1/append${target}`, body: draw.bytes(length) };
    case 9:
      return { method: "POST", target: "/v1/mkdir", ...json({ path }) };
    case 10:
      return {
        method: "POST",
        target: draw.one(["/v1/copy", "/v1/move"]),
        ...json({ from: path, to: pathBy(draw) }),
      };
    case 11:
      return { method: "GET", target: `/v1/versions${target}` };
    case 12:
      return {
        method: "POST",
        target: "/v1/glob",
        ...json({ path: "/", pattern: draw.one(["**", "*", "**/*.txt"]) }),
      };
    default:
      return {
        method: "GET",
        target: draw.one(["/v1/whoami", "/v1/keys", "/v1/tenants/<own>/quota", "/v1/changes"]),
      };
  }
};

/** What a tenant tries at another one, which it must not be able to tell from nobody. */
const trespass = (draw: Seeded): Asked => {
  const there = `/workspace/<other>${pathBy(draw)}`;
  switch (draw.below(8)) {
    case 0:
      return { method: "GET", target: `/v1/files${encoded(there)}` };
    case 1:
      return { method: "PUT", target: `/v1/files${encoded(there)}`, body: draw.bytes(10) };
    case 2:
      return {
        method: "GET",
        target: draw.one(["/v1/list/workspace", "/v1/list/workspace/<other>"]),
      };
    case 3:
      return {
        method: "POST",
        target: draw.one(["/v1/copy", "/v1/move"]),
        ...json(
          draw.one([
            { from: there, to: "/taken" },
            { from: "/a", to: there },
          ]),
        ),
      };
    case 4:
      return {
        method: "GET",
        target: draw.one([
          "/v1/tenants/<other>",
          "/v1/tenants/<other>/quota",
          "/v1/keys?tenant=<other>",
        ]),
      };
    case 5:
      return { method: "GET", target: "/v1/whoami", headers: { [headerNames.tenant]: "<other>" } };
    case 6:
      return {
        method: "GET",
        target: "/v1/list/",
        headers: { [headerNames.workspacePrefix]: "/workspace/<other>" },
      };
    default:
      return {
        method: "POST",
        target: "/v1/keys",
        ...json({ name: "stolen", workspacePrefix: "/workspace/<other>", scopes: ["read"] }),
      };
  }
};

/** What the platform does to the other tenant meanwhile. */
const platformStep = (draw: Seeded): Asked =>
  draw.one([
    { method: "POST", target: "/v1/tenants/<other>/suspend", ...json({}) },
    { method: "POST", target: "/v1/tenants/<other>/reactivate", ...json({}) },
    { method: "PUT", target: "/v1/tenants/<other>/quota", ...json({ bytes: 100_000 }) },
    { method: "PUT", target: "/v1/files/workspace/<other>/from-above", body: draw.bytes(100) },
  ]);

/** A trace of both tenants' steps. */
export const traceBy = (draw: Seeded, length: number): readonly Step[] =>
  Array.from({ length }, (): Step => {
    const by = draw.one(["own", "own", "own", "other", "other", "platform"] as const);
    if (by === "platform") return { by, ...platformStep(draw) };
    return { by, ...(by === "own" && draw.below(4) === 0 ? trespass(draw) : ownStep(draw)) };
  });
