/** What was opened, to be closed last first. */
export interface Closers {
  readonly add: (close: () => Promise<void>) => void;
  /** One that fails does not keep the others open; `failed` hears of it. */
  readonly close: () => Promise<void>;
}

export const closers = (failed: (error: unknown) => void): Closers => {
  const all: (() => Promise<void>)[] = [];
  return {
    add: (close) => void all.push(close),
    close: async () => {
      for (let close = all.pop(); close !== undefined; close = all.pop()) {
        try {
          await close();
        } catch (error) {
          failed(error);
        }
      }
    },
  };
};
