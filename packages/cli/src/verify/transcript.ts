/** One answer as it came. */
export interface Answered {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** Headers that are another each time: when, which request, and the name of a state. */
const apart: readonly string[] = ["date", "last-modified", "x-request-id", "etag", "keep-alive"];

/** Names ids in the order in which they come, so that two transcripts can be compared. */
const naming = (): ((id: string) => string) => {
  const known = new Map<string, string>();
  return (id) => {
    const name = known.get(id) ?? `<id ${known.size}>`;
    known.set(id, name);
    return name;
  };
};

/** Writes answers down: status, headers and body, but for ids, dates and ETags. */
export const transcriptOf = (): ((answered: Answered) => string) => {
  const name = naming();
  const plain = (text: string): string =>
    text
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<date>")
      .replace(
        /"(?:etag|requestId|next)":"[^"]*"/g,
        (match) => `${match.slice(0, match.indexOf(":"))}:"<apart>"`,
      )
      .replace(/after=[^&>]*/g, "after=<cursor>")
      // Keys, by themselves and as the services that they are.
      .replace(/(?<="|service:)[A-Za-z0-9]{16}(?=["@])/g, name)
      .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, name);
  return ({ status, headers, body }) => {
    const json = headers.some(
      ([header, value]) => header === "content-type" && value.includes("json"),
    );
    const shown = headers
      // The length of an ETag is not a tenant's doing.
      .filter(([header]) => !apart.includes(header) && !(json && header === "content-length"))
      .map(([header, value]) => `${header}: ${plain(value)}`)
      .sort();
    return [status, ...shown, plain(body.toString())].join("\n");
  };
};
