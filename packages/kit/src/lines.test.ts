import { describe, expect, it } from "vitest";
import { lines } from "./lines.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = async (
  content: Uint8Array | AsyncIterable<Uint8Array>,
  limit = 100,
): Promise<string[]> => {
  const found: string[] = [];
  for await (const line of lines(content, limit)) found.push(line);
  return found;
};
const single = async function* (text: string): AsyncGenerator<Uint8Array> {
  for (const byte of bytes(text)) yield new Uint8Array([byte]);
};

describe("lines", () => {
  it("are cut at each end of line, however the bytes come", async () => {
    for (const [text, expected] of [
      ["", []],
      ["\n", [""]],
      ["a", ["a"]],
      ["a\nb\r\n", ["a", "b"]],
      ["\r\n\n\r", ["", "", ""]],
      ["é\n😀", ["é", "😀"]],
    ] as const) {
      expect(await read(bytes(text)), JSON.stringify(text)).toEqual(expected);
      expect(await read(single(text)), JSON.stringify(text)).toEqual(expected);
    }
  });

  it("hold exactly so many bytes", async () => {
    expect(await read(bytes("abcd\nabcde\nx"), 4)).toEqual(["abcd", "abcd", "x"]);
    expect(await read(single("abcd\nabcde\nx"), 4)).toEqual(["abcd", "abcd", "x"]);
  });

  it("are none where a NUL is among the first 8,192 bytes, and only there", async () => {
    for (const cut of [8191, 8192]) {
      const text = `${"x".repeat(cut)}\0`;
      const expected = cut === 8191 ? [] : ["xxxx"];
      expect(await read(bytes(text), 4), `${cut}`).toEqual(expected);
      expect(await read(single(text), 4), `${cut}`).toEqual(expected);
    }
  });
});
