import { Mismatch } from "./compare.ts";
import type { Names } from "./names.ts";
import { rootOf } from "./place.ts";
import type { Exchange } from "./system.ts";

/** Whose things are where: what the platform carried from one tenant to another is that one's too. */
export interface Leaks {
  /** The platform copied or moved from a root, or its ground, to another. */
  readonly carried: (from: string, to: string) => void;
  /**
   * Throws if an answer to `tenant` (undefined: the platform) holds a secret, or anything of another's that was not
   * given to whom it is for. Ids that the request named may be named in turn.
   */
  readonly check: (
    tenant: number | undefined,
    exchange: Pick<Exchange, "headers" | "body">,
    given?: { readonly tenants: readonly number[]; readonly said: string },
  ) => void;
  /** A key was minted. Its secret is in no later answer, its id in nobody else's. */
  readonly minted: (tenant: number | undefined, id: string, secret: string) => void;
  /** Throws if a line of the server's log holds a secret. */
  readonly checkLine: (line: string) => void;
}

/** `secrets` are known from the start. */
export const createLeaks = (names: Names, secrets: readonly string[]): Leaks => {
  const hidden = [...secrets];
  const ids: { readonly tenant: number; readonly id: string }[] = [];
  const carried = new Map<string, Set<number>>();

  const ownerOf = (root: string): number => names.ids.indexOf(root.split("/").at(-1) ?? "");
  const holds = (root: string): ReadonlySet<number> =>
    new Set([ownerOf(root), ...(carried.get(root) ?? [])]);
  const heldBy = (tenant: number): ReadonlySet<number> =>
    new Set(
      [`/workspace/${names.ids[tenant]}`, `/tenants/${names.ids[tenant]}`].flatMap((root) => [
        ...holds(root),
      ]),
    );
  const groundOf = (path: string): string => rootOf(path) ?? `/${names.ground}`;

  const found = (what: string): never => {
    throw new Mismatch(`The answer holds ${what}.`);
  };
  const checkText = (text: string): void => {
    for (const secret of hidden) if (text.includes(secret)) found("a secret");
  };

  return {
    carried: (from, to) => {
      const goal = groundOf(to);
      carried.set(goal, new Set([...holds(groundOf(from)), ...(carried.get(goal) ?? [])]));
    },
    minted: (tenant, id, secret) => {
      hidden.push(secret);
      if (tenant !== undefined) ids.push({ tenant, id });
    },
    checkLine: checkText,
    check: (tenant, { headers, body }, given) => {
      const text = `${headers.map((header) => header.join(": ")).join("\n")}\n${body.toString()}`;
      checkText(text);
      if (tenant === undefined) return;
      const own = heldBy(tenant);
      for (const other of names.ids.keys()) {
        if (own.has(other) || given?.tenants.includes(other) === true) continue;
        if (text.includes(names.words[other] ?? "-")) found(`a name or content of tenant ${other}`);
        if (given?.said.includes(names.ids[other] ?? "") === true) continue;
        if (new RegExp(`(?<![\\w-])${names.ids[other]}(?![\\w-])`).test(text))
          found(`the id of tenant ${other}`);
        for (const key of ids)
          if (key.tenant === other && text.includes(key.id)) found(`a key of tenant ${other}`);
      }
    },
  };
};
