import { createHash } from "node:crypto";
import { frameBytes } from "./frames.ts";

/** A frame in the parts in which it came, where they are kept, with the digest of all of them in hex. */
export interface Frame {
  readonly parts: Uint8Array[];
  readonly digest: string;
}

/**
 * Gathers chunks into frames: each of `frameBytes`, the last shorter. Before each, `keep` says whether its parts are to be
 * kept. Digests one chunk while the next is read, but reads no further than to the end of a frame: a slow reader holds one
 * and not two.
 */
export async function* framesOf(
  chunks: AsyncIterable<Uint8Array>,
  keep: () => Promise<boolean>,
): AsyncGenerator<Frame> {
  const source = chunks[Symbol.asyncIterator]();
  let ended = false;
  /** What came behind the end of the frame. */
  let rest: Uint8Array | undefined;

  const gather = async (): Promise<Frame | undefined> => {
    const kept = await keep();
    const parts: Uint8Array[] = [];
    const hash = createHash("sha256");
    let held = 0;
    const take = (chunk: Uint8Array): void => {
      const part = chunk.subarray(0, frameBytes - held);
      if (kept) parts.push(part);
      hash.update(part);
      held += part.length;
      rest = part.length < chunk.length ? chunk.subarray(part.length) : undefined;
    };
    if (rest !== undefined) take(rest);
    let coming: ReturnType<typeof source.next> | undefined;
    while (held < frameBytes) {
      const step = await (coming ?? source.next());
      coming = undefined;
      if (step.done === true) {
        ended = true;
        break;
      }
      // What is not kept may lie in a buffer that is filled again.
      if (kept && held + step.value.length < frameBytes) coming = source.next();
      take(step.value);
    }
    return held > 0 ? { parts, digest: hash.digest("hex") } : undefined;
  };

  try {
    while (!ended) {
      const frame = await gather();
      if (frame !== undefined) yield frame;
    }
  } finally {
    if (!ended) await source.return?.();
  }
}
