import type { AnyPath, Backend, OpContext, Store, Versions } from "@bulkhead/contract";

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

/** As `override`, for what has a past as well. */
export const overrideWhole = <P extends AnyPath, C extends OpContext>(
  inner: Store<P, C> & Versions<P, C>,
  some: Partial<Store<P, C> & Versions<P, C>>,
): Store<P, C> & Versions<P, C> => ({
  ...override(inner, some),
  versions: some.versions ?? inner.versions,
  restore: some.restore ?? inner.restore,
});

/** The past of a backend that keeps one, with some of it replaced. */
const past = (inner: Backend, some: Partial<Backend>): Partial<Versions> => {
  const versions = some.versions ?? inner.versions;
  const restore = some.restore ?? inner.restore;
  return { ...(versions && { versions }), ...(restore && { restore }) };
};

/** As `override`, for a backend: what is not a file operation is the inner backend's. */
export const overrideBackend = (inner: Backend, some: Partial<Backend>): Backend => ({
  ...override(inner, some),
  ...past(inner, some),
  scheme: some.scheme ?? inner.scheme,
  capability: some.capability ?? inner.capability,
  region: some.region ?? inner.region,
  probe: some.probe ?? inner.probe,
  close: some.close ?? inner.close,
});
