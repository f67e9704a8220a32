import type { RecordPage } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import type { Schema, Sending, Transport } from "./transport.ts";

export interface RecordListOptions extends CallOptions {
  /** How many records one request asks for; the server's own default where absent. */
  readonly pageSize?: number | undefined;
}

/** Yields every record that matches, page by page as they are consumed. */
export async function* allRecords<T>(
  transport: Transport,
  target: string,
  filter: NonNullable<Sending["query"]>,
  options: RecordListOptions,
  schema: Schema<RecordPage<T>>,
): AsyncGenerator<T, void, undefined> {
  let after: string | undefined;
  do {
    const page: RecordPage<T> = await transport.ask(
      {
        method: "GET",
        target,
        query: { ...filter, limit: options.pageSize, after },
        signal: options.signal,
        repeatable: true,
      },
      schema,
    );
    yield* page.items;
    after = page.next ?? undefined;
  } while (after !== undefined);
}
