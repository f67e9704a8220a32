import type { ExpandNode, ModelRecord, PageOf, PageQuery, Settlement } from "@bulkhead/contract";

interface Condition {
  readonly name: string;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/** One relation of a tenant's own model, as it is stored. */
export interface ModelRow {
  readonly subject: {
    readonly type: string;
    readonly id: string;
    readonly relation?: string | undefined;
  };
  readonly relation: string;
  readonly object: { readonly type: string; readonly id: string };
  readonly condition?:
    | { readonly name: string; readonly context: Readonly<Record<string, unknown>> }
    | undefined;
  readonly expiresAt: number | undefined;
}

export interface StoredModelRow extends ModelRow {
  readonly id: string;
  readonly createdAt: number;
  readonly createdBy: string;
}

export interface ModelFilter {
  readonly subject?:
    | {
        readonly type: string;
        readonly id?: string | undefined;
        readonly relation?: string | undefined;
      }
    | undefined;
  readonly relation?: string | undefined;
  readonly object?: { readonly type: string; readonly id?: string | undefined } | undefined;
}

/** Tenants' own models in the ledger, and the relations that stand on them. `tenant` is a uid. */
export interface Models {
  readonly put: (
    settlement: Settlement,
    tenant: string,
    model: { readonly name: string; readonly source: string },
  ) => Promise<ModelRecord>;
  readonly get: (tenant: string, name: string) => Promise<ModelRecord | undefined>;
  readonly list: (tenant: string, query: PageQuery) => Promise<PageOf<ModelRecord>>;
  readonly remove: (settlement: Settlement, tenant: string, name: string) => Promise<void>;
  readonly write: (
    settlement: Settlement,
    tenant: string,
    name: string,
    rows: readonly ModelRow[],
  ) => Promise<readonly StoredModelRow[]>;
  readonly delete: (
    settlement: Settlement,
    tenant: string,
    ids: readonly string[],
  ) => Promise<readonly StoredModelRow[]>;
  readonly find: (
    id: string,
  ) => Promise<
    { readonly tenant: string; readonly model: string; readonly tuple: StoredModelRow } | undefined
  >;
  readonly read: (
    tenant: string,
    name: string,
    filter: ModelFilter,
    page: { readonly after?: string | undefined; readonly limit: number },
  ) => Promise<PageOf<StoredModelRow>>;
}

/** A relation as a model judges it: `user:alice`, `user:*` or `group:staff#member` on `document:1`. */
export interface ModelFact {
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  readonly condition?: Condition | undefined;
}

interface Given {
  readonly contextual?: readonly ModelFact[] | undefined;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

interface Listed {
  readonly found: readonly string[];
  readonly indeterminate: boolean;
}

/** A model that answers questions on facts it is given. Throws `invalid-request` for what it does not know. */
export interface ModelJudge {
  readonly checkFact: (fact: ModelFact) => void;
  readonly on: (facts: readonly ModelFact[]) => {
    readonly check: (
      question: Given & {
        readonly subject: string;
        readonly relation: string;
        readonly object: string;
      },
    ) => { readonly allowed: boolean; readonly reason?: string };
    readonly expand: (question: {
      readonly object: string;
      readonly relation: string;
    }) => ExpandNode;
    readonly listObjects: (question: {
      readonly subject: string;
      readonly relation: string;
      readonly type: string;
    }) => Listed;
    readonly listSubjects: (question: {
      readonly relation: string;
      readonly object: string;
      readonly filter: string;
    }) => Listed;
  };
}

/** Parses a model's source. `validate` refuses what no tenant may write; both reject with `invalid-request` and the line. */
export interface ModelLanguage {
  readonly validate: (source: string) => Promise<void>;
  readonly judge: (source: string) => Promise<ModelJudge>;
}
