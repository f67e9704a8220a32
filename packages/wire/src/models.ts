import type { ModelRecord } from "@bulkhead/contract";
import { z } from "zod";
import { timeOf, timestamp } from "./time.ts";

/** A tenant's own model, in OpenFGA's language. */
export interface WireModel {
  readonly name: string;
  readonly tenant: string;
  /** As it was written: the DSL, or the JSON of an authorization model. */
  readonly source: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const wireModel: z.ZodType<WireModel> = z.object({
  name: z.string(),
  tenant: z.string(),
  source: z.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
});

export const wireModelOf = (model: ModelRecord): WireModel => ({
  name: model.name,
  tenant: model.tenant,
  source: model.source,
  createdAt: timeOf(model.createdAt),
  updatedAt: timeOf(model.updatedAt),
});

/** `POST /v1/models`: makes a model, or puts another in its place. */
export interface ModelRequest {
  readonly name: string;
  readonly source: string;
  readonly tenant?: string | undefined;
}

export const modelRequest: z.ZodType<ModelRequest> = z.strictObject({
  name: z.string().min(1).max(255),
  source: z.string().min(1),
  tenant: z.string().optional(),
});
