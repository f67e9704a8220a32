import type { Throttle } from "@bulkhead/contract";

/** The same bytes, no faster than a limit lets them: in pieces, so that something always moves. */
export async function* throttled(
  source: AsyncIterable<Uint8Array>,
  throttle: Throttle,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source)
    for (let at = 0; at < chunk.length; at += throttle.most) {
      const piece = chunk.subarray(at, at + throttle.most);
      await throttle.pass(piece.length);
      yield piece;
    }
}
