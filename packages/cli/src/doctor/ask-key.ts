import { BulkheadError, type RemoteFS } from "@bulkhead/client";
import type { Finding } from "@bulkhead/contract";

/** True if nobody answered within the time that a question has. */
export const isTimeout = (error: unknown): boolean =>
  error instanceof Error && error.name === "TimeoutError";

/** Asks a server whose a key is. */
export const keyOf = async (remote: RemoteFS, signal: AbortSignal): Promise<Finding> => {
  const check = "key";
  try {
    const { tenant, home, principal } = await remote.whoami({ signal });
    const whose = tenant === null ? "the platform's" : `of the tenant ${tenant}`;
    return {
      check,
      state: "ok",
      detail: `The key is ${whose}, ${principal.subject.type}:${principal.subject.id}, home ${home}`,
    };
  } catch (error) {
    if (isTimeout(error))
      return { check, state: "skipped", detail: "The server did not say in 10 s." };
    if (!(error instanceof BulkheadError)) throw error;
    if (error.code === "unauthenticated")
      return {
        check,
        state: "failed",
        detail:
          "The server does not know the key: it is wrong, revoked, ended, or of another server.",
        next: "Look at BULKHEAD_KEY, --key or the profile; the platform key of a server is in <data-dir>/platform-key.",
      };
    if (error.status === 503 || error.status === 504)
      return { check, state: "skipped", detail: "The server cannot say whose the key is now." };
    return {
      check,
      state: "failed",
      detail: error.message,
      next: `See ${error.code} in the errors.`,
    };
  }
};

/** So many are asked at most: a look, no survey. */
const mostMounts = 100;

/** The mounts that were made while the server ran, as far as the key may see them; those of its file are its readiness. */
export async function* mountsOf(remote: RemoteFS, signal: AbortSignal): AsyncGenerator<Finding> {
  const check = "mount";
  let asked = 0;
  try {
    for await (const { id, path, origin, region } of remote.mounts.list({}, { signal })) {
      if (origin !== "api" || asked === mostMounts) continue;
      asked += 1;
      const { state } = await remote.mounts.get(id, { signal });
      if (state === "unavailable")
        yield {
          check,
          state: "failed",
          detail: `The storage of the mount ${path} does not answer${region === null ? "" : `, or is not in '${region}', where it has to be`}.`,
          next: `Look at it with: bulkhead mount get ${path}; correct its region, credentials or backend, or unmount it.`,
        };
    }
  } catch (error) {
    if (isTimeout(error))
      return yield {
        check,
        state: "warning",
        detail: "The storages of mounts were not all asked: that took longer than 10 s.",
        next: "Ask them one by one: bulkhead mount ls, bulkhead mount get <path>.",
      };
    // Whoever may not look at mounts has none to look after.
    if (!(error instanceof BulkheadError) || (error.status !== 403 && error.status !== 404))
      throw error;
  }
}
