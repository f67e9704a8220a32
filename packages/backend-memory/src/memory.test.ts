import { conformance } from "@bulkhead/conformance";
import { describe, it } from "vitest";
import { memory } from "@bulkhead/backend-memory";

conformance(
  { describe, it },
  { name: "memory", open: () => Promise.resolve({ backend: memory() }) },
);
