import { bulkheadError } from "./errors.ts";

const refuse = (why: string): never => {
  throw bulkheadError("invalid-request", why, { status: 0, retryable: false });
};

/** Checks the url of a server and takes the slashes off its end. Throws `invalid-request`. */
export const baseUrl = (url: string): string => {
  const parsed =
    URL.parse(url) ?? refuse(`'${url}' is not a url; it looks like 'http://127.0.0.1:2026'.`);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:")
    refuse(`A url begins with 'http:' or 'https:', not '${parsed.protocol}'.`);
  if (parsed.username !== "" || parsed.password !== "")
    refuse("A url holds no user or password; the key is 'apiKey'.");
  if (parsed.search !== "" || parsed.hash !== "")
    refuse("A url of a server has no '?' and no '#'.");
  return parsed.href.replace(/\/+$/, "");
};
