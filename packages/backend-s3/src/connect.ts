import type { S3 } from "@aws-sdk/client-s3";
import type { S3Keys, S3Options } from "./options.ts";

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

const identityOf = ({ accessKeyId, secretAccessKey, sessionToken }: S3Keys) => ({
  accessKeyId,
  secretAccessKey,
  ...(sessionToken !== undefined && { sessionToken }),
});

/** Makes the client of one store. The SDK is loaded with the first; requests are tried once: repeating them is not its. */
export const connect = async (options: S3Options): Promise<S3> => {
  const sdk = await import("@aws-sdk/client-s3");
  const { endpoint, region, present } = options;
  // Without a bound: an upload that waits for its turn with its connection open must not keep others from asking theirs.
  const agent = { keepAlive: true, maxSockets: Infinity };
  return new sdk.S3({
    region,
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    // What has an end that is near is asked for again with each request.
    credentials:
      present === undefined
        ? identityOf(options)
        : async () => ({ ...identityOf(await present()), expiration: new Date() }),
    maxAttempts: 1,
    // Checksums of what is in memory are added where requests are made; in a stream they would need a framing that
    // not every store takes away again.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: 5000, httpAgent: agent, httpsAgent: agent },
    logger: quiet,
  });
};
