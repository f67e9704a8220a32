import { type Backend, type OpContext, parseBackendPath } from "@bulkhead/contract";
import { local } from "@bulkhead/backend-local";
import { s3 } from "@bulkhead/backend-s3";
import { overrideBackend, plainContext, stack, streamBody, textBody } from "@bulkhead/kit";
import { openLedger } from "@bulkhead/ledger";
import { afterwork, settle } from "@bulkhead/settle";

/** Ends here and now, as by the kernel, at a named step of a change on plain storage. */
const [url = "", tenant = "", root = "", mount = "", operation = "", step = ""] =
  process.argv.slice(2);

const die = (): Promise<never> => {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
};

const ledger = await openLedger({ url, masterKeyFingerprint: "f".repeat(32) });
const after =
  <A extends readonly unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    const result = await call(...args);
    return step === name ? die() : result;
  };
const late: typeof ledger.intents.late = (...args) => {
  const intent = ledger.intents.late(...args);
  return intent && { ...intent, grant: after("granted", intent.grant) };
};
const intents = {
  ...ledger.intents,
  late,
  begin: after("begun", ledger.intents.begin),
  commit: after("granted", ledger.intents.commit),
  settle: after("settled", ledger.intents.settle),
};
// A folder, or how a bucket is reached.
const disk = root.startsWith("{")
  ? await s3(JSON.parse(root))
  : await local({ root, durability: "relaxed" });
const dying: Backend = overrideBackend(disk, {
  write: after("done", disk.write),
  move: after("done", disk.move),
  remove: after("done", disk.remove),
});
const backend = stack(
  dying,
  settle({
    intents,
    afterwork: afterwork(intents),
    mount,
    tenant: () => tenant,
    fencing: undefined,
    recovery: disk,
    charging: { accounted: ledger.accounted, forgets: false },
  }),
);
const path = parseBackendPath;
const following = (from: string, to?: string): OpContext => ({
  ...plainContext(),
  settlement: {
    ...plainContext().settlement,
    follow: { from: `/workspace/${mount}/${from}`, to: to && `/workspace/${mount}/${to}` },
  },
});
const renewed = textBody("renewed");
if (operation === "write") await backend.write(plainContext(), path("a/x"), renewed);
// Of a length that nobody knows: its intent is there before its content.
else if (operation === "stream")
  await backend.write(plainContext(), path("a/x"), streamBody(renewed.open()));
else if (operation === "move") await backend.move(following("a", "b"), path("a"), path("b"));
else await backend.remove(following("a"), path("a"), { recursive: true });
process.stdout.write("went on\n");
process.exit(0);
