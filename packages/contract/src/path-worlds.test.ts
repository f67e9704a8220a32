import { describe, expect, it } from "vitest";
import type { Context, OpContext } from "./context.ts";
import {
  type BackendPath,
  isUnder,
  parseBackendPath,
  parseRequestPath,
  parseVirtualPath,
  type RequestPath,
  type VirtualPath,
} from "./path.ts";
import type { Backend, Session, Store, Tree } from "./store.ts";

const request = parseRequestPath("/a");
const virtual = parseVirtualPath("/a");
const backend = parseBackendPath("a");

/** Never called: what it holds has to be refused by the compiler, and `tsc` reports the line where it is not. */
export const mixUps = (
  session: Session,
  tree: Tree,
  storage: Backend,
  ctx: Context,
  op: OpContext,
): void => {
  // @ts-expect-error -- a request path is not placed in the tree yet
  void tree.read(ctx, request);
  // @ts-expect-error -- a place in the tree names no place in a storage
  void storage.read(op, virtual);
  // @ts-expect-error -- what a caller wrote never reaches a storage
  void storage.read(op, request);
  // @ts-expect-error -- a place in a storage is none in the tree
  void tree.stat(ctx, backend);
  // @ts-expect-error -- a session takes what a caller wrote
  void session.stat(ctx, virtual);
  // @ts-expect-error -- a string has not been parsed
  void session.stat(ctx, "/a");
  // @ts-expect-error -- both ends of a move are placed
  void tree.move(ctx, virtual, request);
  // @ts-expect-error -- without a principal there is no session
  void session.stat(op, request);
  // @ts-expect-error -- a tree is no session
  const asSession: Session = tree;
  // @ts-expect-error -- a session is no tree
  const asTree: Tree = session;
  // @ts-expect-error -- a storage is no tree
  const asStore: Store<VirtualPath, OpContext> = storage;
  // @ts-expect-error -- paths of two worlds are not compared
  isUnder<VirtualPath>(virtual, backend);
  void [asSession, asTree, asStore];
};

/** As above, for plain assignments. */
export const assignments = (): void => {
  // @ts-expect-error -- request to virtual
  const a: VirtualPath = request;
  // @ts-expect-error -- request to backend
  const b: BackendPath = request;
  // @ts-expect-error -- virtual to request
  const c: RequestPath = virtual;
  // @ts-expect-error -- virtual to backend
  const d: BackendPath = virtual;
  // @ts-expect-error -- backend to request
  const e: RequestPath = backend;
  // @ts-expect-error -- backend to virtual
  const f: VirtualPath = backend;
  void [a, b, c, d, e, f];
};

describe("the three kinds of path", () => {
  it("are plain strings at run time", () => {
    expect([request, virtual, backend].map((path) => typeof path)).toEqual([
      "string",
      "string",
      "string",
    ]);
  });
});
