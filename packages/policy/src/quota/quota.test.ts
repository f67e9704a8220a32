import {
  type Body,
  FileError,
  isFileError,
  type Stat,
  type VirtualPath,
  type WholeTree,
  type WriteResult,
} from "@bulkhead/contract";
import { describe, expect, it } from "vitest";
import { at, contextOf, principal } from "../test/principals.ts";
import { type Hold, quota } from "./quota.ts";

const mib = 1024 * 1024;
const path = at("/workspace/acme/a");

interface Asked {
  readonly wanted: number;
  readonly least: number;
}

/** Room of so many bytes; undefined for as much as anybody wants. */
const room = (bytes: number | undefined) => {
  const asked: Asked[] = [];
  const ended: boolean[] = [];
  const holds: string[] = [];
  let left = bytes;
  const hold = (tenant: string): Hold => {
    holds.push(tenant);
    return {
      id: "hold",
      more: (wanted, least) => {
        asked.push({ wanted, least });
        if (left === undefined) return Promise.resolve(undefined);
        if (left < least) return Promise.reject(new FileError("quota-exceeded", "Full."));
        const granted = Math.min(wanted, left);
        left -= granted;
        return Promise.resolve(granted);
      },
      end: (used) => Promise.resolve(void ended.push(used)),
    };
  };
  return { usage: { hold }, asked, ended, holds };
};

const never = (): Promise<never> => Promise.reject(new Error("Nobody asked for that."));

/** A tree that takes a body to its end, over a file of that size. */
const treeOver = (
  stat: () => Promise<Partial<Stat>>,
  fault?: Error,
): { readonly tree: WholeTree; readonly taken: () => number } => {
  let taken = 0;
  const write = async (_ctx: unknown, _path: VirtualPath, body: Body): Promise<WriteResult> => {
    for await (const chunk of body.open()) taken += chunk.length;
    if (fault !== undefined) throw fault;
    return { etag: "e", size: taken, created: true };
  };
  const tree: WholeTree = {
    stat: async () => ({ name: "a", kind: "file", size: 0, modifiedAt: 0, ...(await stat()) }),
    write,
    read: never,
    list: never,
    mkdir: never,
    remove: never,
    copy: never,
    move: never,
    versions: never,
    restore: never,
  };
  return { tree, taken: () => taken };
};

const missing = (code: "not-found" | "not-directory" | "unavailable") => () =>
  Promise.reject(new FileError(code, "No."));

const body = (size: number, declared: number | undefined = size, chunk = mib): Body => ({
  size: declared,
  replayable: false,
  async *open() {
    for (let left = size; left > 0; left -= chunk) yield new Uint8Array(Math.min(chunk, left));
  },
});

const unknown = (size: number, chunk = mib): Body => ({
  ...body(size, size, chunk),
  size: undefined,
});

const written = async (
  held: ReturnType<typeof room>,
  over: ReturnType<typeof treeOver>,
  content: Body,
) => {
  const ctx = contextOf(principal());
  ctx.settlement.tenant = "uid-acme";
  ctx.settlement.reserved = { bytes: 9, files: 9, id: "earlier" };
  const result = await quota(held.usage)(over.tree)
    .write(ctx, path, content)
    .then(
      () => "ok",
      (error: unknown) => (isFileError(error) ? error.code : String(error)),
    );
  return { result, reserved: ctx.settlement.reserved };
};

describe("room for what streams", () => {
  it("is not asked for by what is small, nor on the platform's ground", async () => {
    const held = room(0);
    const over = treeOver(never);
    expect(await written(held, over, body(mib))).toEqual({
      result: "ok",
      reserved: { bytes: 0, files: 0 },
    });
    expect(held.holds).toEqual([]);
    const ctx = contextOf(principal());
    await quota(held.usage)(over.tree).write(ctx, path, body(3 * mib));
    expect(held.holds).toEqual([]);
  });

  it("is held whole where the length is known, less what is replaced", async () => {
    const held = room(100 * mib);
    const over = treeOver(() => Promise.resolve({ size: 2 * mib }));
    const { result, reserved } = await written(held, over, body(5 * mib));
    expect(result).toBe("ok");
    expect(held.holds).toEqual(["uid-acme"]);
    expect(held.asked).toEqual([{ wanted: 3 * mib, least: 3 * mib }]);
    expect(reserved).toEqual({ bytes: 3 * mib, files: 0, id: "hold" });
    expect(held.ended).toEqual([true]);
  });

  it("is not held where less is written than is replaced", async () => {
    const held = room(0);
    const over = treeOver(() => Promise.resolve({ size: 8 * mib }));
    expect((await written(held, over, body(5 * mib))).result).toBe("ok");
    expect(held.asked).toEqual([]);
  });

  it("grows in windows where it is not known, up to a longest one", async () => {
    const held = room(1000 * mib);
    const over = treeOver(missing("not-found"));
    const { result, reserved } = await written(held, over, unknown(130 * mib));
    expect(result).toBe("ok");
    expect(held.asked.map(({ wanted }) => wanted / mib)).toEqual([4, 8, 16, 32, 64, 64]);
    expect(held.asked.map(({ least }) => least / mib)).toEqual([2, 1, 1, 1, 1, 1]);
    expect(reserved.bytes).toBe(188 * mib);
  });

  it("asks for as much as one chunk needs, however long it is", async () => {
    const held = room(1000 * mib);
    const over = treeOver(missing("not-directory"));
    await written(held, over, unknown(20 * mib, 10 * mib));
    expect(held.asked[0]).toEqual({ wanted: 10 * mib, least: 10 * mib });
  });

  it("ends a body in its middle where there is no more, and gives back what was held", async () => {
    const held = room(6 * mib);
    const over = treeOver(missing("not-found"));
    expect((await written(held, over, unknown(50 * mib))).result).toBe("quota-exceeded");
    expect(over.taken()).toBe(6 * mib);
    expect(held.ended).toEqual([false]);
    const none = room(3 * mib);
    const before = treeOver(missing("not-found"));
    expect((await written(none, before, body(4 * mib))).result).toBe("quota-exceeded");
    expect(before.taken()).toBe(mib);
  });

  it("is not asked for twice where nothing limits the tenant", async () => {
    const held = room(undefined);
    const over = treeOver(() => Promise.resolve({ kind: "directory", size: 7 }));
    const { result, reserved } = await written(held, over, unknown(80 * mib));
    expect(result).toBe("ok");
    expect(held.asked).toHaveLength(1);
    expect(reserved).toEqual({ bytes: 0, files: 0 });
  });

  it("is given back where the write failed otherwise, and where nobody can say what is replaced", async () => {
    const held = room(100 * mib);
    const failing = treeOver(missing("not-found"), new Error("It failed."));
    expect((await written(held, failing, body(2 * mib))).result).toContain("It failed.");
    expect(held.ended).toEqual([false]);
    const unanswered = treeOver(missing("unavailable"));
    expect((await written(room(100 * mib), unanswered, body(2 * mib))).result).toBe("unavailable");
  });
});
