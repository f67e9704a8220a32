import {
  type Capability,
  FileError,
  type MoveOptions,
  type ReadOptions,
  type Versions,
  type WriteOptions,
} from "@bulkhead/contract";

/** Every option that a backend may be unable to honour. */
export type DeclaredOptions = ReadOptions | WriteOptions | MoveOptions;

const refusal = (option: string, remedy: string): FileError =>
  new FileError("invalid-request", `This storage does not support '${option}'; ${remedy}.`);
const refuse = (option: string, remedy: string): never => {
  throw refusal(option, remedy);
};
const latestAlone = "it keeps the latest content alone";

/** The past of a storage that keeps one. Throws `invalid-request`, as a read of a version does there. */
export const pastOf = ({ versions, restore }: Partial<Versions>): Versions => {
  if (versions === undefined || restore === undefined) throw refusal("versions", latestAlone);
  return { versions, restore };
};

/**
 * Checks a call against what a backend declares, before it is made. `size` is the body's, where it is known. Throws
 * `invalid-request` naming the option that is not declared, and `too-large` for a size beyond `maxFileSize`.
 */
export const checkDeclared = (
  capability: Capability,
  options: DeclaredOptions | undefined,
  size?: number,
): void => {
  if (options !== undefined) {
    if ("metadata" in options && options.metadata !== undefined && !capability.metadata)
      refuse("metadata", "leave it out or keep the facts in a file");
    if ("version" in options && options.version !== undefined && !capability.versions)
      refuse("version", latestAlone);
    if (
      "mode" in options &&
      options.mode !== undefined &&
      options.mode !== "overwrite" &&
      !capability.conditionalWrite
    )
      refuse("mode", "only 'overwrite' is possible there");
  }
  const limit = capability.maxFileSize;
  if (size !== undefined && limit !== undefined && size > limit)
    throw new FileError("too-large", `A file of this storage has at most ${limit} bytes.`, {
      fields: { limit, requested: size },
    });
};
