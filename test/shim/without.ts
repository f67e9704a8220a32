import { registerHooks } from "node:module";

/**
 * Preloaded into a process, leaves something out of one of its modules: `BULKHEAD_TEST_WITHOUT` is JSON, the end of the
 * module's path, what to replace in its source, and by what. Ends the process if there is no such thing to leave out.
 */
const wanted = process.env["BULKHEAD_TEST_WITHOUT"];
if (wanted !== undefined) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the test that starts this process
  const [file, from, to] = JSON.parse(wanted) as [string, string, string];
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(file) || loaded.source === undefined || loaded.source === null)
        return loaded;
      const text =
        typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source);
      if (!text.includes(from)) {
        process.stderr.write(`${file} does not hold ${from}\n`);
        process.exit(97);
      }
      return { ...loaded, source: text.replace(from, to) };
    },
  });
}
