import { FileError } from "@bulkhead/contract";

/** Quotes an identifier of SQL; it stays one whatever is in it. Throws `invalid-request` for NUL or an empty name. */
export const quoted = (name: string): string => {
  if (name === "" || name.includes("\u0000") || Buffer.byteLength(name) > 63)
    throw new FileError("invalid-request", "A name in a database has 1 to 63 bytes and no NUL.");
  return `"${name.replaceAll('"', '""')}"`;
};

/** Quotes a text of SQL, for the few statements that take no parameters. */
export const literal = (text: string): string => {
  if (text.includes("\u0000"))
    throw new FileError("invalid-request", "A text in a database holds no NUL.");
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
};

/** Checks the name of a tree's schema: it also stands inside the text of functions. Throws `invalid-request`. */
export const checkSchema = (schema: string): string => {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema) || schema.startsWith("pg_"))
    throw new FileError(
      "invalid-request",
      "A schema's name begins with a letter and goes on in a-z, 0-9 and '_', at most 63; 'pg_' is reserved.",
    );
  return schema;
};
