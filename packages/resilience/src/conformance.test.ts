import { conformance } from "@bulkhead/conformance";
import type { Backend, Layer } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { stack } from "@bulkhead/kit";
import { describe, it } from "vitest";
import { breaker, cache, chaos, concurrency, mechanics, retry, timeout } from "./index.ts";

const layers: Readonly<Record<string, () => readonly Layer<Backend>[]>> = {
  cache: () => [cache()],
  breaker: () => [breaker({ failures: 1 })],
  retry: () => [retry()],
  timeout: () => [timeout()],
  concurrency: () => [concurrency({ calls: 4, readings: 4 })],
  "chaos that spares every call": () => [chaos({ schedule: () => undefined }).layer],
  "all mechanics": () => mechanics({ cache: {} }).map(({ layer }) => layer),
};

for (const [name, make] of Object.entries(layers)) {
  const open = async () => ({ backend: stack(memory(), ...make()) });
  conformance({ describe, it }, { name: `${name} around memory`, open });
}
