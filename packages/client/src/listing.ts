import { listPage } from "@bulkhead/wire";
import type { ListOptions } from "./options.ts";
import { RemoteStats } from "./remote-stats.ts";
import { pathTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

/** Yields the entries of a directory, page by page as they are consumed. */
export async function* entriesOf(
  transport: Transport,
  path: string,
  options: ListOptions,
): AsyncGenerator<RemoteStats, void, undefined> {
  const { recursive, pageSize: limit, signal } = options;
  let after: string | undefined;
  do {
    const page = await transport.ask(
      {
        method: "GET",
        target: pathTarget("list", path),
        query: { recursive: recursive === true || undefined, limit, after },
        signal,
        repeatable: true,
      },
      listPage,
    );
    for (const entry of page.entries) yield new RemoteStats(entry);
    after = page.next ?? undefined;
  } while (after !== undefined);
}
