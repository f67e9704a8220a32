import { FileError, type Stat } from "@bulkhead/contract";
import { contentTypeOf } from "@bulkhead/kit";

const broken = (): FileError =>
  new FileError("internal", "This storage's database answered in another shape than it should.");

/** Reads a property of what the database answered. Throws `internal` if it is not there. */
export const field = (answer: unknown, name: string): unknown => {
  if (typeof answer !== "object" || answer === null || !Object.hasOwn(answer, name)) throw broken();
  return Reflect.get(answer, name);
};

export const numberField = (answer: unknown, name: string): number => {
  const value = field(answer, name);
  return typeof value === "number" ? value : Number.NaN;
};

/** A text, or undefined where there is null. */
export const textField = (answer: unknown, name: string): string | undefined => {
  const value = field(answer, name);
  return typeof value === "string" ? value : undefined;
};

const metadataOf = (value: unknown): Record<string, string> | undefined => {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
};

/** Reads a node. The ETag is the content's id. */
export const statOf = (answer: unknown): Stat => {
  const name = textField(answer, "name") ?? "";
  const times = {
    modifiedAt: numberField(answer, "modified"),
    createdAt: numberField(answer, "created"),
  };
  if (field(answer, "directory") === true) return { name, kind: "directory", size: 0, ...times };
  const metadata = metadataOf(field(answer, "metadata"));
  return {
    name,
    kind: "file",
    size: numberField(answer, "size"),
    etag: textField(answer, "blob") ?? "",
    contentType: textField(answer, "type") ?? contentTypeOf(name),
    ...(metadata && { metadata }),
    ...times,
  };
};
