/** Says in a sentence why nothing could be listened to, and what to do. Other errors are answered as they are. */
export const cannotListen = (
  error: unknown,
  { host, port }: { readonly host: string; readonly port: number },
): unknown => {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const say = (sentence: string): Error => new Error(sentence, { cause: error });
  switch (code) {
    case "EADDRINUSE":
      return say(
        `Port ${port} of ${host} is in use by another program: stop that one, or give another --port.`,
      );
    case "EACCES":
      return say(
        `This user may not listen on port ${port} of ${host}: give a --port above 1023, or the permission.`,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return say(`${host} is no address of this machine: give another --host.`);
    default:
      return error;
  }
};
