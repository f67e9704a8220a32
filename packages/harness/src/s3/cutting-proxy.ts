import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Where a connection is cut: before the request arrives, in its middle, or when its answer begins. */
export type Cut = "before" | "middle" | "after";

/** Which request a cut is for, by its first line such as `PUT /bucket/key?partNumber=2`. */
export interface CutRule {
  readonly request: RegExp;
  readonly at: Cut;
  /** How many matching requests are let through before; none by default. */
  readonly skip?: number;
  /** How many are cut; one by default. */
  readonly times?: number;
  /** Runs right before the connection goes. */
  readonly meanwhile?: () => Promise<void>;
}

/** Stands before a real server and cuts connections as it is told. */
export interface CuttingProxy extends AsyncDisposable {
  readonly endpoint: string;
  readonly cut: (...rules: readonly CutRule[]) => void;
  /** First lines of all requests since the last `cut`. */
  readonly seen: readonly string[];
}

interface Standing {
  readonly rule: CutRule;
  skip: number;
  left: number;
}

const firstLine = /^(?:GET|PUT|POST|DELETE|HEAD) \S+(?= HTTP\/1\.1\r\n)/;
/** Of a request that is cut in its middle, so many bytes get through. */
const middleBytes = 100_000;

export const cuttingProxy = async (upstream: string): Promise<CuttingProxy> => {
  const { hostname, port } = new URL(upstream);
  let standing: Standing[] = [];
  const seen: string[] = [];
  const open = new Set<Socket>();

  const ruleFor = (line: string): CutRule | undefined => {
    const found = standing.find((one) => one.left > 0 && one.rule.request.test(line));
    if (found === undefined) return undefined;
    if (found.skip > 0) {
      found.skip -= 1;
      return undefined;
    }
    found.left -= 1;
    return found.rule;
  };

  const server = createServer((client) => {
    const far = connect(Number(port), hostname);
    let rule: CutRule | undefined;
    let passed = 0;
    const end = async (): Promise<void> => {
      await rule?.meanwhile?.();
      client.destroy();
      far.destroy();
    };
    for (const socket of [client, far]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        client.destroy();
        far.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => {
      const line = firstLine.exec(chunk.toString("latin1", 0, 4096))?.[0];
      if (line !== undefined) {
        seen.push(line);
        rule = ruleFor(line);
        passed = 0;
      }
      passed += chunk.length;
      if (rule?.at === "before") {
        client.pause();
        void end();
        return;
      }
      far.write(chunk);
      if (rule?.at === "middle" && passed > middleBytes) void end();
    });
    far.on("data", (chunk: Buffer) => {
      // That the server is ready to go on is no answer yet.
      const interim = chunk.toString("latin1", 0, 12) === "HTTP/1.1 100";
      if (!interim && (rule?.at === "after" || rule?.at === "middle")) void end();
      else client.write(chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${own}`,
    seen,
    cut: (...rules) => {
      seen.length = 0;
      standing = rules.map((rule) => ({ rule, skip: rule.skip ?? 0, left: rule.times ?? 1 }));
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
};
