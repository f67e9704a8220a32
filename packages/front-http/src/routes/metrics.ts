import { BlockList } from "node:net";
import type { IncomingMessage } from "node:http";
import { FileError } from "@bulkhead/contract";
import type { Route } from "../call.ts";
import { bearerOf } from "../framing.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** True for who asks from this machine itself. What a proxy on it passes on comes from elsewhere, whoever it says. */
const isLocal = ({ socket, headers }: IncomingMessage): boolean => {
  const address = socket.remoteAddress ?? "";
  const plain = /^::ffff:\d/i.test(address) ? address.slice(7) : address;
  return (
    headers["forwarded"] === undefined &&
    headers["x-forwarded-for"] === undefined &&
    loopback.check(plain, plain.includes(":") ? "ipv6" : "ipv4")
  );
};

/** `/metrics`, in the text format of Prometheus: to this machine, and to the platform's key from anywhere. */
export const metricsRoute: Route = {
  method: "GET",
  url: "/metrics",
  id: "metrics",
  does: "Metrics in the text format of Prometheus, without a name of a tenant, key or path. Needs no key from the server's own machine, elsewhere the platform key.",
  answers: { 200: { does: "The metrics.", types: ["text/plain"] } },
  refuses: ["unauthenticated", "not-found", "forbidden", "rate-limited", "unavailable", "timeout"],
  open: true,
  run: async ({ request, control, visitor, metrics }) => {
    if (metrics === undefined) throw new FileError("not-found", "This server keeps no metrics.");
    if (!isLocal(request)) {
      const key = bearerOf(request);
      const { principal } = await control.authenticate({ ...visitor, key });
      if (principal.kind !== "platform")
        throw new FileError("forbidden", "Metrics are for the platform key.");
    }
    const { contentType, text } = await metrics();
    return { status: 200, text, headers: { "Content-Type": contentType } };
  },
};
