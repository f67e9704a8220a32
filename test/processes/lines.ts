import { connection, type Reply } from "./connection.ts";

/** What a connection keeps asking. */
export interface Question {
  readonly method: string;
  readonly target: string;
  readonly body?: (() => unknown) | undefined;
  /** Whether an answer means that the asker got through; any below 300 by default. */
  readonly passes?: ((reply: Reply) => boolean) | undefined;
}

/** A reply, and whether it let the asker through. */
export interface Asked {
  readonly passed: boolean;
  readonly reply: Reply;
  readonly target: string;
}

/** Connections to several servers, open and let in once, that ask the same questions. */
export interface Lines {
  /** Asks over every connection at once. */
  readonly ask: () => Promise<readonly Asked[]>;
  /** Asks over further connections, one to each server, without a pause, until they are stopped: all that they were told. */
  readonly pump: () => { readonly stop: () => Promise<readonly Asked[]> };
  readonly close: () => void;
}

const got = (reply: Reply): boolean => reply.status < 300;

/** Opens a connection to each server, for one question after the other. `key` is undefined for those who need none. */
export const lines = (
  urls: readonly string[],
  key: string | undefined,
  questions: readonly Question[],
): Lines => {
  const open = () =>
    urls.flatMap((url, i) => {
      const question = questions[i % questions.length];
      return question === undefined ? [] : [{ question, over: connection(url, key) }];
    });
  const asking = open();
  const ask = async ({
    question: { method, target, body, passes = got },
    over,
  }: (typeof asking)[number]): Promise<Asked> => {
    const reply = await over.send(method, target, { body: body?.() });
    return { passed: passes(reply), reply, target };
  };
  const pumping = open();
  return {
    ask: () => Promise.all(asking.map(ask)),
    pump: () => {
      let stopped = false;
      const told: Asked[] = [];
      const pumps = pumping.map(async (line) => {
        while (!stopped) told.push(await ask(line));
      });
      return {
        stop: async () => {
          stopped = true;
          await Promise.all(pumps);
          return told;
        },
      };
    },
    close: () => {
      for (const { over } of [...asking, ...pumping]) over.close();
    },
  };
};

/** What got through although it was sent after `since`. */
export const passedSince = (since: number, asked: readonly Asked[]): readonly string[] =>
  asked
    .filter(({ passed, reply }) => passed && reply.sentAt >= since)
    .map(({ target, reply }) => `${target}: ${reply.status} ${reply.text.slice(0, 200)}`);
