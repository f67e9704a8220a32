/** What one package may import, and where it must be able to run. */
export interface Room {
  /** Packages of this repository that its sources may import. */
  readonly mayImport: readonly string[];
  /** Packages beside these and `forTests` that its tests may import. */
  readonly testsMayImport?: readonly string[];
  /** `any`: browsers too, so neither `node:` modules nor Node's types. */
  readonly platform: "any" | "node";
  /** True for what exists for tests alone: no package's sources may import it. */
  readonly testsOnly?: true;
}

const core = ["contract", "kit"] as const;

/**
 * The arrows between packages, by folder; everything not listed is refused. A package that is not in the table fails
 * the check: adding one means saying here what it may see.
 */
export const rooms: Readonly<Record<string, Room>> = {
  contract: { mayImport: [], platform: "any" },
  kit: { mayImport: ["contract"], platform: "any" },
  conformance: { mayImport: core, platform: "any", testsOnly: true },
  wire: { mayImport: core, platform: "any" },
  client: { mayImport: [...core, "wire"], platform: "any" },
  vfs: { mayImport: core, platform: "node" },
  policy: { mayImport: core, platform: "node" },
  resilience: { mayImport: core, platform: "node" },
  settle: { mayImport: core, platform: "node" },
  rebac: { mayImport: core, platform: "node" },
  "backend-memory": { mayImport: core, platform: "any" },
  "backend-local": { mayImport: core, platform: "node" },
  "backend-versioned": {
    mayImport: core,
    platform: "node",
    // Its index is a real ledger, its content lies in a real storage, which fails on purpose.
    testsMayImport: ["ledger", "backend-local", "backend-postgres", "backend-s3", "resilience"],
  },
  "backend-postgres": { mayImport: core, platform: "node" },
  "backend-s3": { mayImport: core, platform: "node" },
  ledger: { mayImport: core, platform: "node" },
  engine: {
    mayImport: [
      ...core,
      "policy",
      "vfs",
      "resilience",
      "settle",
      "rebac",
      "backend-memory",
      "backend-local",
      "backend-postgres",
      "backend-s3",
      "backend-versioned",
      "ledger",
    ],
    platform: "node",
  },
  "front-http": { mayImport: [...core, "wire"], platform: "node" },
  server: { mayImport: [...core, "wire", "engine", "front-http"], platform: "node" },
  // A tree can be imported from a bucket, which no server has to know.
  cli: { mayImport: [...core, "wire", "client", "server", "backend-s3"], platform: "node" },
  // Starts whatever a test needs to be real, so it may see whatever can be started.
  harness: {
    mayImport: [...core, "wire", "client", "ledger", "engine", "server"],
    platform: "node",
    testsOnly: true,
  },
};

/** What tests may import beyond their package's own arrows: the test packages, and the reference backend. */
export const forTests = ["conformance", "harness", "backend-memory"] as const;
