// The walk in memory, kept by what the changelog tells, against the model as one statement of the ledger.
import { isUnder, parseVirtualPath, type Settlement } from "@bulkhead/contract";
import { testDatabase } from "@bulkhead/harness";
import { migrate, openLedger, type StoredSubject, type StoredTuple } from "@bulkhead/ledger";
import { loadInSlices } from "@bulkhead/rebac";
import pg from "pg";
import { expect, test } from "vitest";
import { graphs } from "./graphs.ts";

/** More for a long run. */
const rounds = Number(process.env["BULKHEAD_WALK_ROUNDS"] ?? 25);
const questions = 8;

const settlement = (tenant: string): Settlement => ({
  tenant,
  revisions: [],
  reserved: { bytes: 0, files: 0 },
  audit: undefined,
  idempotency: undefined,
});

const random = (seed: number): (<T>(from: readonly T[]) => T) => {
  let state = seed;
  return (from) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    const one = from[(state >>> 8) % from.length];
    if (one === undefined) throw new Error("Nothing to pick from.");
    return one;
  };
};

test("They agree on everything, through grants, revokes, renames, removals and ends", async () => {
  const database = await testDatabase({ migrate });
  const sql = new pg.Pool({ connectionString: database.url, max: 1 });
  const ledger = await openLedger({ url: database.url, masterKeyFingerprint: "f".repeat(32) });
  const { relations } = ledger;
  const held = graphs({ store: relations, build: loadInSlices, maxBytes: 1e9 });
  try {
    const tenant = async (id: string): Promise<string> =>
      (
        await ledger.tenants.create(settlement("platform"), {
          id,
          name: id,
          root: parseVirtualPath(`/workspace/${id}`),
          placement: "default",
          subdomain: undefined,
          allowedRegions: undefined,
          limits: {},
          settings: {},
        })
      ).uid;
    const alpha = await tenant("alpha");
    const beta = await tenant("beta");
    const pick = random(20_26);
    const groups = ["g0", "g1", "g2", "g3"];
    for (const uid of [alpha, beta]) {
      for (const id of groups) await ledger.subjects.createGroup(settlement(uid), uid, id);
      for (const id of ["u0", "u1"])
        for (const type of ["user", "agent"] as const)
          await ledger.subjects.register(uid, { type, id });
    }
    const someone = (uid: string): StoredSubject => ({
      tenant: uid,
      type: pick(["user", "user", "agent"]),
      id: pick(["u0", "u1"]),
    });
    const group = (uid: string): StoredSubject => ({
      tenant: uid,
      type: "group",
      id: pick(groups),
      relation: "member",
    });
    const names = ["a", "b"];
    const path = () =>
      parseVirtualPath(
        ["/workspace/alpha", ...Array.from({ length: pick([0, 1, 2, 3]) }, () => pick(names))].join(
          "/",
        ),
      );
    const end = (): number | undefined =>
      pick([0, 0, 1, 2]) === 0 ? undefined : Date.now() + pick([-60_000, 3_600_000]);
    const tuple = (): StoredTuple => {
      const uid = pick([alpha, alpha, alpha, beta]);
      const what = pick([
        "file",
        "file",
        "file",
        "group",
        "group",
        "tenant",
        "everybody",
        "members",
      ]);
      if (what === "group" || (what === "tenant" && pick([0, 1, 2]) > 0))
        return {
          subject: pick([0, 1]) === 0 ? group(uid) : someone(uid),
          relation: "member",
          object: { tenant: uid, type: "group", id: pick(groups) },
          expiresAt: end(),
        };
      if (what === "tenant")
        return {
          subject: pick([0, 1]) === 0 ? group(uid) : someone(uid),
          relation: "admin",
          object: { tenant: uid, type: "tenant" },
          expiresAt: end(),
        };
      const crossing = uid === beta;
      const relation =
        what === "everybody" && !crossing
          ? "viewer"
          : crossing
            ? pick(["viewer", "editor"] as const)
            : pick(
                what === "members"
                  ? (["viewer", "editor", "owner"] as const)
                  : (["viewer", "editor", "owner", "blocked"] as const),
              );
      return {
        subject:
          what === "everybody" && !crossing
            ? { tenant: uid, type: pick(["user", "agent"]), id: "*" }
            : what === "members"
              ? { tenant: uid, type: "tenant", id: uid, relation: "member" }
              : pick([0, 1]) === 0
                ? group(uid)
                : someone(uid),
        relation,
        object: { tenant: alpha, type: "file", path: path() },
        expiresAt: end(),
        ...(pick([0, 0, 1]) === 1 ? { belowOnly: true } : {}),
      };
    };
    let allowed = 0;
    let denied = 0;
    for (let round = 0; round < rounds; round++) {
      const what = pick(["grant", "grant", "grant", "revoke", "follow"]);
      if (what === "grant") {
        const first = tuple();
        const more = Array.from({ length: 3 }, tuple).filter(
          ({ object }) => object.tenant === first.object.tenant,
        );
        await relations.grant(settlement(alpha), [first, ...more], undefined);
      } else if (what === "revoke") {
        const uid = pick([alpha, beta]);
        const { items } = await relations.list({ tenant: uid });
        if (items.length > 0)
          await relations.revoke(settlement(uid), uid, [pick(items).id, pick(items).id]);
      } else {
        const [from, to] = [path(), path()];
        if (isUnder(from, to) || isUnder(to, from)) continue;
        await sql.query("select bulkhead.relations_follow_v1($1, $2, $3)", [
          alpha,
          from,
          pick([0, 0, 1]) === 1 ? null : to,
        ]);
      }
      const [ofAlpha, ofBeta] = await relations.revisions([alpha, beta]);
      if (ofAlpha === undefined || ofBeta === undefined) throw new Error("Two tenants.");
      const own = await held.at(ofAlpha);
      const other = await held.at(ofBeta);
      const now = Date.now();
      for (let i = 0; i < questions; i++) {
        const who =
          pick([0, 1, 2]) === 0
            ? someone(beta)
            : pick([0, 1, 2]) === 0
              ? group(alpha)
              : someone(alpha);
        const at = path();
        const closure = (who.tenant === alpha ? own : other).closureOf(who, now);
        const { mask } = own.check(closure, at, now);
        const said = await relations.check(who, alpha, at);
        expect(
          { read: (mask & 1) > 0, write: (mask & 2) > 0, share: (mask & 4) > 0 },
          `round ${round}: ${JSON.stringify({ who, at })}`,
        ).toEqual(said);
        if (said.read) allowed += 1;
        else denied += 1;
      }
    }
    // Neither side answers alike to everything.
    expect(Math.min(allowed, denied)).toBeGreaterThan((rounds * questions) / 10);
  } finally {
    held.close();
    await ledger.close();
    await sql.end();
    await database.close();
  }
});
