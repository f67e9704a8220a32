/**
 * Content that is pulled. `open` may be called again only where `replayable`. `size` is the exact number of bytes, or
 * undefined if it is not known before the end.
 */
export interface Body {
  readonly size: number | undefined;
  readonly replayable: boolean;
  readonly open: () => AsyncIterable<Uint8Array>;
}
