import type { Stat } from "@bulkhead/contract";
import type { Statement } from "./database.ts";
import type { ReadContent, StoredBlob, TreeLook } from "./types-trees.ts";

/** Reads a file with what its content is, and revisions of the same snapshot. */
export const readCall: Statement = {
  name: "tree_read_v3",
  text: "select * from bulkhead.tree_read_v3($1, $2, $3, $4, $5)",
};

/** Splits what `tree_read_v2` answers: a length of four bytes, so much JSON, content. */
const parted = (answer: Buffer): TreeLook<ReadContent> => {
  const end = 4 + answer.readInt32BE(0);
  const meta: TreeLook<Omit<ReadContent, "inline">> = JSON.parse(answer.toString("utf8", 4, end));
  return meta.state === "done" ? { ...meta, inline: answer.subarray(end) } : meta;
};

/** What `tree_read_v3` answers: all else is null where `other` is there. */
export type ReadRow = [
  other: Buffer | null,
  snapshot: string | null,
  size: string | null,
  modifiedAt: string | null,
  createdAt: string | null,
  version: string | null,
  digest: string | null,
  contentType: string | null,
  metadata: Readonly<Record<string, string>> | null,
  inline: Buffer | null,
  blob: StoredBlob | null,
];

const noContent = new Uint8Array(0);

/** A file called `name`, or why there is none. */
export const contentOf = (name: string, row: ReadRow): TreeLook<ReadContent> => {
  const [
    other,
    ,
    size,
    modifiedAt,
    createdAt,
    version,
    digest,
    contentType,
    metadata,
    inline,
    blob,
  ] = row;
  if (other !== null) return parted(other);
  const stat: Stat = {
    name,
    kind: "file",
    size: Number(size),
    modifiedAt: Number(modifiedAt),
    createdAt: Number(createdAt),
    etag: `${version}-${digest?.slice(0, 16)}`,
    ...(version !== null && { version }),
    ...(contentType !== null && { contentType }),
    ...(metadata !== null && { metadata }),
  };
  if (blob !== null) return { state: "done", stat, inline: noContent, blob };
  return {
    state: "done",
    stat,
    inline: inline ?? noContent,
    ...(digest !== null && { digest }),
  };
};
