/** What a backend promises. An option it does not declare is refused before the call, never ignored. */
export interface Capability {
  /** `mode: "create"`, `mode: { ifMatch }` and `ifMatch` are decided atomically with the effect. */
  readonly conditionalWrite: boolean;
  /** Moving within the backend is one step: readers see the source or the target, never both, never neither. */
  readonly atomicMove: boolean;
  /** Empty directories exist. */
  readonly directories: boolean;
  readonly versions: boolean;
  /** `WriteResult.replaced` is exactly what this write replaced, under concurrent writers too. */
  readonly exactReplace: boolean;
  /** Equal content has equal ETags. */
  readonly contentEtag: boolean;
  /** Listing costs a page, not the directory. */
  readonly orderedList: boolean;
  readonly contentType: boolean;
  readonly metadata: boolean;
  /** A body's bytes outlive power loss once `write` resolves. */
  readonly durable: boolean;
  /** In bytes; undefined is unlimited. */
  readonly maxFileSize: number | undefined;
  /** Longest `BackendPath` in UTF-8 bytes. */
  readonly maxPathBytes: number;
}
