import type { AnyPath, Backend, OpContext, Store } from "@bulkhead/contract";

/** The eight operations of `inner` with some replaced. Written out: a spread would drop what a prototype or getter holds. */
export const override = <P extends AnyPath, C extends OpContext>(
  inner: Store<P, C>,
  some: Partial<Store<P, C>>,
): Store<P, C> => ({
  stat: some.stat ?? inner.stat,
  read: some.read ?? inner.read,
  write: some.write ?? inner.write,
  list: some.list ?? inner.list,
  mkdir: some.mkdir ?? inner.mkdir,
  remove: some.remove ?? inner.remove,
  copy: some.copy ?? inner.copy,
  move: some.move ?? inner.move,
});

/** As `override`, for a backend: what is not a file operation is the inner backend's. */
export const overrideBackend = (inner: Backend, some: Partial<Backend>): Backend => ({
  ...override(inner, some),
  scheme: some.scheme ?? inner.scheme,
  capability: some.capability ?? inner.capability,
  region: some.region ?? inner.region,
  probe: some.probe ?? inner.probe,
  close: some.close ?? inner.close,
});
