import { acceptedJob } from "@bulkhead/wire";
import { bulkheadError } from "./errors.ts";
import type { Jobs } from "./jobs.ts";
import { answerOf, type Sending, type Transport } from "./transport.ts";

/** Sends what answers nothing of interest; where it became a job, waits for the end of it. */
export const effect = async (transport: Transport, jobs: Jobs, sending: Sending): Promise<void> => {
  const response = await transport.send(sending);
  if (response.status !== 202) {
    // Read to the end, so that the connection can be used again.
    await response.arrayBuffer().catch(() => undefined);
    return;
  }
  const accepted = await answerOf(response, acceptedJob, sending.signal);
  const job = await jobs.wait(accepted.job, { signal: sending.signal });
  if (job.state === "dead")
    throw bulkheadError("internal", `Job ${job.id} failed: ${job.error ?? "it gave no reason"}`, {
      status: 202,
      retryable: false,
    });
};
