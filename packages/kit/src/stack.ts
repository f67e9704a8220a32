import type { Layer } from "@bulkhead/contract";

/** Wraps `base` in layers, the outermost first: the order in which a call meets them is the order they are written in. */
export const stack = <S>(base: S, ...layers: readonly Layer<S>[]): S =>
  layers.reduceRight((inner, layer) => layer(inner), base);
