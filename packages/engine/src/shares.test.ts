import {
  type LinkVisit,
  parseRequestPath,
  type ShareInput,
  type ShareRecord,
} from "@bulkhead/contract";
import { chunksOf, collect } from "@bulkhead/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Authorized, authorized, platformKey } from "./test/authorized.ts";

const at = parseRequestPath;

describe("shares", () => {
  let on: Authorized;
  /** Bound to the roots of acme and beta, with every scope. */
  let acme: string;
  let beta: string;
  /** A user of beta whom no relation names. */
  let bob: string;

  beforeAll(async () => {
    on = await authorized();
    const { tenants } = on.engine.control;
    for (const id of ["acme", "beta", "gamma"])
      await tenants.create(await on.as(platformKey), { id });
    const scopes = ["read", "write", "share", "admin"] as const;
    acme = await on.mint(platformKey, { workspacePrefix: "/workspace/acme", scopes });
    beta = await on.mint(platformKey, { workspacePrefix: "/workspace/beta", scopes });
    bob = await on.user("beta", "bob");
    for (const path of ["/report", "/dir/one", "/dir/two/three", "/private"])
      await on.write(acme, path);
  });
  afterAll(() => on[Symbol.asyncDispose]());

  const share = async (path: string, more: Partial<ShareInput> = {}): Promise<ShareRecord> =>
    on.engine.control.shares.create(await on.as(acme), { path, tenant: "beta", ...more });
  const unshare = async ({ id }: ShareRecord): Promise<void> =>
    on.engine.control.shares.revoke(await on.as(acme), id);
  const files = () => on.engine.control.session;

  it("are found below the root of whom they were given to, by keys of either kind, until they are taken back", async () => {
    const made = await share("/dir");
    expect(made).toMatchObject({
      sourceTenant: "acme",
      targetTenant: "beta",
      path: "/workspace/acme/dir",
      target: "/workspace/beta/shared/from-acme/dir",
      permission: "can_read",
      status: "active",
    });
    for (const key of [beta, bob]) {
      expect(await on.names(key, "/")).toEqual(["shared/"]);
      expect(await on.names(key, "/shared")).toEqual(["from-acme/"]);
      expect(await on.names(key, "/shared/from-acme")).toEqual(["dir/"]);
      expect(await on.names(key, "/shared/from-acme/dir")).toEqual(["one", "two/"]);
      expect(await on.text(key, "/shared/from-acme/dir/two/three")).toBe("text");
      expect(await on.outcome(() => on.write(key, "/shared/from-acme/dir/one"))).toBe("forbidden");
      const stat = await files().stat(await on.as(key), at("/shared/from-acme/dir"));
      expect(stat).toMatchObject({ name: "dir", kind: "directory" });
      await on.outcome(() => on.text(key, "/workspace/acme/private"));
    }
    expect(await on.outcome(() => on.text(beta, "/workspace/acme/dir/one"))).toBe(
      "outside-workspace",
    );
    await unshare(made);
    for (const key of [beta, bob])
      expect(await on.outcome(() => on.text(key, "/shared/from-acme/dir/two/three"))).toBe(
        "not-found",
      );
    expect(await on.names(beta, "/")).toEqual([]);
    expect(await on.outcome(() => on.names(bob, "/"))).toBe("not-found");
  });

  it("let write where they say so, at the owner's cost, and are neither moved nor removed", async () => {
    const made = await share("/dir", { permission: "can_write" });
    await on.write(beta, "/shared/from-acme/dir/new", "by beta");
    expect(await on.text(acme, "/dir/new")).toBe("by beta");
    const log = await on.engine.control.audit.list(await on.as(acme), { action: "write" });
    expect(log.items[0]).toMatchObject({
      resource: "/workspace/acme/dir/new",
      detail: { owner: "acme", share: made.id },
    });
    const refuse = async (run: () => Promise<unknown>): Promise<void> =>
      expect(await on.outcome(run)).toBe("forbidden");
    for (const path of ["/shared/from-acme/dir", "/shared/from-acme", "/shared"]) {
      await refuse(async () => files().remove(await on.as(beta), at(path), { recursive: true }));
      await refuse(async () => files().move(await on.as(beta), at(path), at("/mine")));
    }
    // What is written there is the owner's: it can be copied away, and not taken.
    await refuse(async () =>
      files().move(await on.as(beta), at("/shared/from-acme/dir/one"), at("/mine")),
    );
    await refuse(async () =>
      files().move(await on.as(beta), at("/shared"), at("/shared/from-acme/dir/two/mine")),
    );
    await files().copy(await on.as(beta), at("/shared/from-acme/dir/one"), at("/mine"));
    expect(await on.text(beta, "/mine")).toBe("text");
    await files().remove(await on.as(beta), at("/shared/from-acme/dir/new"));
    expect(await on.outcome(() => on.text(acme, "/dir/new"))).toBe("not-found");
    await unshare(made);
  });

  it("follow what they are of, merge with what is really there, and leave it its names", async () => {
    await on.write(beta, "/shared/from-acme/report", "beta's own");
    await on.write(beta, "/shared/zz", "beta's own");
    const made = await share("/report");
    expect(made.target).toBe("/workspace/beta/shared/from-acme/report-2");
    expect(await on.names(beta, "/shared")).toEqual(["from-acme/", "zz"]);
    expect(await on.names(beta, "/shared/from-acme", 1)).toEqual(["report", "report-2"]);
    expect(await on.text(beta, "/shared/from-acme/report")).toBe("beta's own");
    expect(await on.text(beta, "/shared/from-acme/report-2")).toBe("text");
    await files().move(await on.as(acme), at("/report"), at("/renamed"));
    expect(await on.text(beta, "/shared/from-acme/report-2")).toBe("text");
    await files().move(await on.as(acme), at("/renamed"), at("/report"));
    await files().remove(await on.as(acme), at("/report"));
    await on.write(acme, "/report");
    expect(await on.outcome(() => on.text(beta, "/shared/from-acme/report-2"))).toBe("not-found");
    await files().remove(await on.as(beta), at("/shared"), { recursive: true });
  });

  it("die with either tenant's suspension and with their time", async () => {
    const made = await share("/dir");
    const { tenants } = on.engine.control;
    const path = "/shared/from-acme/dir/one";
    await tenants.suspend(await on.as(platformKey), "acme", undefined);
    expect(await on.outcome(() => on.text(beta, path))).toBe("tenant-suspended");
    expect(await on.names(beta, "/")).not.toContain("shared/");
    await tenants.reactivate(await on.as(platformKey), "acme");
    await tenants.suspend(await on.as(platformKey), "beta", undefined);
    expect(await on.outcome(() => on.text(beta, path))).toBe("tenant-suspended");
    await tenants.reactivate(await on.as(platformKey), "beta");
    expect(await on.text(beta, path)).toBe("text");
    await unshare(made);
    const expiresAt = Date.now() + 2000;
    await share("/dir", { expiresAt });
    // Known before its end, it is absent after it all the same.
    expect(await on.text(beta, path)).toBe("text");
    expect(await on.names(beta, "/")).toContain("shared/");
    await new Promise((resolve) => setTimeout(resolve, expiresAt - Date.now() + 10));
    expect(await on.outcome(() => on.text(beta, path))).toBe("not-found");
    expect(await on.names(beta, "/")).not.toContain("shared/");
  });

  it("are listed on both sides, and to nobody else", async () => {
    const made = await share("/dir");
    const gamma = await on.mint(platformKey, {
      workspacePrefix: "/workspace/gamma",
      scopes: ["read", "share"],
    });
    const { shares } = on.engine.control;
    const listed = async (key: string): Promise<boolean> =>
      (await shares.list(await on.as(key), { status: "active" })).items.some(
        ({ id }) => id === made.id,
      );
    expect(await Promise.all([acme, beta, bob, gamma, platformKey].map(listed))).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
    expect(await on.outcome(async () => shares.revoke(await on.as(beta), made.id))).toBe(
      "forbidden",
    );
    expect(await on.outcome(async () => shares.revoke(await on.as(gamma), made.id))).toBe(
      "not-found",
    );
    await unshare(made);
  });

  it("are given by who can share, and no more than it has", async () => {
    const { shares } = on.engine.control;
    const alice = await on.user("acme", "alice");
    const gives = async (key: string, more: Partial<ShareInput> = {}): Promise<string> =>
      on.outcome(async () =>
        shares.create(await on.as(key), { path: "/workspace/acme/dir", tenant: "gamma", ...more }),
      );
    expect(await gives(alice)).toBe("not-found");
    await on.grant("user:alice", "editor", "/workspace/acme/dir");
    expect(await gives(alice)).toBe("forbidden");
    const narrow = await on.mint(platformKey, {
      workspacePrefix: "/workspace/acme",
      scopes: ["read", "share"],
    });
    expect(await gives(narrow, { permission: "can_write" })).toBe("forbidden");
    expect(await gives(narrow)).toBe("ok");
    const unable = await on.mint(platformKey, { workspacePrefix: "/workspace/acme" });
    expect(await gives(unable)).toBe("scope-required");
    expect(await gives(narrow, { tenant: "acme" })).toBe("invalid-request");
    expect(await gives(narrow, { subject: "user:x" })).toBe("invalid-request");
    expect(await gives(narrow, { path: "/workspace/acme/nothing" })).toBe("not-found");
    expect(await gives(beta)).toBe("outside-workspace");
  });

  describe("by link", () => {
    const visit = (record: ShareRecord, more: Partial<LinkVisit> = {}): LinkVisit => ({
      token: record.url?.split("/").at(-1) ?? "",
      password: undefined,
      address: "127.0.0.1",
      front: "test",
      requestId: "r",
      signal: new AbortController().signal,
      cut: () => undefined,
      ...more,
    });
    const link = (more: Partial<ShareInput> = {}): Promise<ShareRecord> =>
      share("/dir/one", { tenant: undefined, link: true, ...more });
    const opens = async (record: ShareRecord, more: Partial<LinkVisit> = {}): Promise<string> => {
      let text = "";
      const outcome = await on.outcome(async () => {
        const result = await on.engine.control.links.read(visit(record, more));
        text = new TextDecoder().decode(await collect(chunksOf(result.content)));
        await result[Symbol.asyncDispose]();
      });
      return outcome === "ok" ? text : outcome;
    };

    it("open for whoever has them, until they are taken back", async () => {
      const made = await link();
      expect(await opens(made)).toBe("text");
      expect(await opens(made, { token: "wrong" })).toBe("not-found");
      expect((await on.engine.control.links.stat(visit(made))).name).toBe("one");
      const listed = await on.engine.control.shares.list(await on.as(acme), {});
      expect(listed.items.find(({ id }) => id === made.id)).toMatchObject({ uses: 1 });
      expect(JSON.stringify(listed)).not.toContain(visit(made).token);
      await unshare(made);
      expect(await opens(made)).toBe("not-found");
    });

    it("open with their password, so many times, for so long", async () => {
      const made = await link({ password: "sésame", maxUses: 2 });
      expect(await opens(made)).toBe("forbidden");
      expect(await opens(made, { password: "sesame" })).toBe("forbidden");
      const password = "sésame";
      const many = await Promise.all(Array.from({ length: 5 }, () => opens(made, { password })));
      expect(many.filter((each) => each === "text").length).toBe(2);
      expect(many.filter((each) => each === "not-found").length).toBe(3);
      const expiresAt = Date.now() + 1000;
      const short = await link({ expiresAt });
      await new Promise((resolve) => setTimeout(resolve, expiresAt - Date.now() + 10));
      expect(await opens(short)).toBe("not-found");
    });

    it("lead to the file that was shared, wherever it is moved while they are opened", async () => {
      await on.write(acme, "/moving");
      const password = "long enough";
      const made = await share("/moving", { tenant: undefined, link: true, password });
      const opening = opens(made, { password });
      await files().move(await on.as(acme), at("/moving"), at("/moved"));
      await on.write(acme, "/moving", "another file");
      expect(await opening).toBe("text");
      await unshare(made);
    });

    it("are no more where the tenant does not want them, and lead to files alone", async () => {
      const made = await link();
      const { tenants } = on.engine.control;
      const allow = async (allowPublicSharing: boolean): Promise<unknown> =>
        tenants.patch(await on.as(platformKey), "acme", { settings: { allowPublicSharing } });
      await allow(false);
      expect(await opens(made)).toBe("not-found");
      expect(await on.outcome(() => link())).toBe("forbidden");
      expect(await on.outcome(() => on.grant("user:*", "viewer", "/workspace/acme/dir"))).toBe(
        "forbidden",
      );
      await allow(true);
      expect(await opens(made)).toBe("text");
      expect(await on.outcome(() => link({ path: "/dir" }))).toBe("is-directory");
      await tenants.suspend(await on.as(platformKey), "acme", undefined);
      expect(await opens(made)).toBe("not-found");
      await tenants.reactivate(await on.as(platformKey), "acme");
    });
  });
});
