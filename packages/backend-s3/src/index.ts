export { emptyBucket } from "./empty-bucket.ts";
export { type HiddenKeys } from "./hidden-keys.ts";
export { defaultLimits, type Limits, type S3Keys, type S3Options } from "./options.ts";
export { dropBucket, makeBucket, type Note, type OwnBucket } from "./own-bucket.ts";
export { s3, type S3Backend } from "./s3.ts";
export { type Support } from "./support.ts";
