import { isFileError, type Stat } from "@bulkhead/contract";
import { decodeHeaderText, decodeMetadata, encodeMetadata, parseEtags } from "@bulkhead/wire";
import { clientAddress } from "../../packages/front-http/src/address.ts";
import { readConditions } from "../../packages/front-http/src/conditions.ts";
import { digestCheck } from "../../packages/front-http/src/digest.ts";
import { parseRange } from "../../packages/front-http/src/range-header.ts";
import { subdomainOf } from "../../packages/front-http/src/subdomain.ts";
import type { Parser } from "./fuzz.ts";

const invalid = (error: unknown): boolean => isFileError(error, "invalid-request");
const never = (): boolean => false;

const stat: Stat = { name: "a", kind: "file", size: 5, etag: "abc", modifiedAt: 1_700_000_000_000 };

const addressOf = clientAddress(["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]);

const check = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

/** What reads the values of headers. */
export const headerParsers: readonly Parser[] = [
  {
    name: "Range",
    seeds: [
      "bytes=0-1023",
      "bytes=0-99999999999999999999",
      "bytes=-5",
      "bytes=5-",
      "bytes=0-0,5-6",
      "items=0-1",
    ],
    read: (text) => {
      const range = parseRange(text);
      const numbers = range === undefined ? [] : Object.values(range);
      check(
        numbers.every((n) => Number.isSafeInteger(n) && n >= 0),
        "a bound that is none",
      );
    },
    refuses: never,
  },
  {
    name: "If-Match, If-None-Match, If-Range and dates",
    seeds: ['"abc"', 'W/"abc", "def"', "*", "Sat, 21 Nov 2026 12:00:00 GMT", '"a", ,"b",'],
    read: (text, seed) => {
      const names = [
        "if-match",
        "if-none-match",
        "if-range",
        "if-modified-since",
        "if-unmodified-since",
      ];
      const conditions = readConditions({ [names[seed] ?? "if-match"]: text });
      conditions.unmodified(stat);
      conditions.allowsRange(stat);
    },
    refuses: (error) => invalid(error) || isFileError(error, "precondition-failed"),
  },
  {
    name: "entity tags",
    seeds: ['"abc"', 'W/"abc", "def"', "*", `${'"a",'.repeat(50)}"b"`],
    read: (text) => parseEtags(text),
    refuses: never,
  },
  {
    name: "Content-Digest and Repr-Digest",
    seeds: [
      "sha-256=:WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=:",
      "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:, sha-256=:WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=:",
      'sha-512=:YWJj:;a=1;b="x"',
    ],
    read: (text) => {
      const digest = digestCheck(text, text);
      digest?.update(Buffer.from("x"));
      digest?.finish();
    },
    refuses: invalid,
  },
  {
    name: "Forwarded",
    seeds: [
      "for=192.0.2.1",
      'for="[2001:db8::1]:80";proto=https;by=10.0.0.1, for=10.1.2.3',
      "for=unknown, for=_hidden",
    ],
    read: (forwarded) => addressOf("127.0.0.1", { forwarded, forwardedFor: undefined }),
    refuses: never,
  },
  {
    name: "X-Forwarded-For",
    seeds: ["192.0.2.1, 10.0.0.1", "::1", "[2001:db8::1]:443,1.2.3.4:80", "::ffff:1.2.3.4"],
    read: (forwardedFor) => addressOf("127.0.0.1", { forwarded: undefined, forwardedFor }),
    refuses: never,
  },
  {
    name: "Host as a subdomain",
    seeds: ["acme.files.example:8080", "FILES.example.", "a.b.files.example"],
    read: (text) => subdomainOf(text, "files.example"),
    refuses: never,
  },
  {
    name: "metadata",
    seeds: ["owner: Alice", "a%C3%BC: %25 x", "A-b_c.: "],
    read: (text) => {
      const cut = text.indexOf(":");
      // Names that are no tokens of HTTP are refused before anybody reads them.
      const name = text.slice(0, cut).replaceAll(/[^\x21-\x7e]/gu, "-");
      const pair = [`Bulkhead-Meta-${name}`, text.slice(cut + 1).trim()] as const;
      const metadata = decodeMetadata([pair, ["bulkhead-meta-x", "y"]]);
      const again = decodeMetadata(encodeMetadata(metadata));
      check(JSON.stringify(again) === JSON.stringify(metadata), "other metadata the second time");
    },
    refuses: invalid,
  },
  {
    name: "text of a header",
    seeds: ["user:alice@acme.example", "tenant:acme", "open%20sesame %C3%BC"],
    read: (text) => check(decodeHeaderText("Bulkhead-As", text).isWellFormed(), "no Unicode"),
    refuses: invalid,
  },
];
