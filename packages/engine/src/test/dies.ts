import { parseBackendPath } from "@bulkhead/contract";
import { plainContext, textBody } from "@bulkhead/kit";
import { openPostgres } from "../open-postgres.ts";
import { tenantWorld } from "./tenant-world.ts";

/** Ends here and now, as by the kernel, at a named step: of a provisioning, or of a write in a tenant's database. */
const [url = "", uid = "", step = "", sql] = process.argv.slice(2);

const die = (): Promise<never> => {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
};

const store = process.env["BULKHEAD_TEST_STORE"];

const world = await tenantWorld({
  url,
  ...(store !== undefined && { store: JSON.parse(store) }),
  ...(sql !== undefined && { sql }),
  ledger: (ledger) => ({
    ...ledger,
    provisioning: {
      ...ledger.provisioning,
      abandon: async (tenant) => {
        await ledger.provisioning.abandon(tenant);
        if (step === "abandoned") await die();
      },
    },
    intents: {
      ...ledger.intents,
      commit: async (...args) => {
        const granted = await ledger.intents.commit(...args);
        if (step === "granted") await die();
        return granted;
      },
      // The tenant's database has committed; the ledger is not told.
      settle: (...args) => (step === "committed" ? die() : ledger.intents.settle(...args)),
    },
  }),
});
if (step === "granted" || step === "committed")
  await openPostgres(world.mountOf(uid)).write(
    { ...plainContext(), settlement: world.settlement(uid) },
    parseBackendPath("d/f"),
    textBody("hello"),
  );
else
  await world.provision(uid, ({ step: reached, buckets }) =>
    reached === step || (step === "second-bucket" && Array.isArray(buckets) && buckets.length === 2)
      ? die()
      : Promise.resolve(),
  );
process.stdout.write("went on\n");
process.exit(0);
