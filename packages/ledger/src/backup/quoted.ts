/** Quotes a name for SQL. Throws for one that no migration would give. */
export const quoted = (name: string): string => {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name))
    throw new Error(`'${name}' is no name of the ledger's.`);
  return `"${name}"`;
};
