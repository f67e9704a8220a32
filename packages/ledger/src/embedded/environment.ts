/**
 * The environment of PostgreSQL's programs: ours without what would change their port, their
 * files or the language in which they log.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:PG|LC_|LANG|BULKHEAD_|NODE_)/.test(name),
  );
  return { ...Object.fromEntries(kept), LC_ALL: "C" };
}
