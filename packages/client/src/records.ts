import type { RecordPage } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import type { Schema, Sending, Transport } from "./transport.ts";

export interface RecordListOptions extends CallOptions {
  /** How many records one request asks for; the server's own default where absent. */
  readonly pageSize?: number | undefined;
}

/** Yields every record of a list whose page after `after` is what `ask` asks for. */
export async function* pagesOf<T>(
  ask: (after: string | undefined) => Promise<RecordPage<T>>,
): AsyncGenerator<T, void, undefined> {
  let after: string | undefined;
  do {
    const page = await ask(after);
    yield* page.items;
    after = page.next ?? undefined;
  } while (after !== undefined);
}

/** Yields every record that matches, page by page as they are consumed. */
export const allRecords = <T>(
  transport: Transport,
  target: string,
  filter: NonNullable<Sending["query"]>,
  options: RecordListOptions,
  schema: Schema<RecordPage<T>>,
): AsyncGenerator<T, void, undefined> =>
  pagesOf((after) =>
    transport.ask(
      {
        method: "GET",
        target,
        query: { ...filter, limit: options.pageSize, after },
        signal: options.signal,
        repeatable: true,
      },
      schema,
    ),
  );

/** Deletes a record. */
export const removed = async (
  transport: Transport,
  target: string,
  query: NonNullable<Sending["query"]>,
  options: CallOptions,
): Promise<void> => {
  const response = await transport.send({
    method: "DELETE",
    target,
    query,
    signal: options.signal,
  });
  await response.body?.cancel();
};
