/** Where in the configuration something stands: names of keys, and numbers of a list's items. */
export type ConfigPath = readonly (string | number)[];

/** What is wrong at a place of the configuration; an empty path is the whole. */
export interface ConfigFault {
  readonly path: ConfigPath;
  readonly message: string;
}

/** Says a fault in a line, with the line of the file before it where that is known. */
const spelled = ({ path, message }: ConfigFault, lineOf: (path: ConfigPath) => string): string => {
  const place = path.length === 0 ? "" : `${path.join(".")}: `;
  return `  ${lineOf(path)}${place}${message}`;
};

/** What is wrong with a configuration, one line a fault. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[], lineOf: (path: ConfigPath) => string = () => "") {
    const lines = faults.map((fault) => spelled(fault, lineOf));
    super(`The configuration is not valid:\n${lines.join("\n")}`);
    this.faults = faults;
  }
}
