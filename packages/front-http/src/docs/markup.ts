/** HTML, as opposed to text. */
export interface Markup {
  readonly html: string;
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

type Part = string | number | undefined | false | Markup | readonly Part[];

const rendered = (part: Part): string => {
  if (part === undefined || part === false) return "";
  if (typeof part === "object" && "html" in part) return part.html;
  if (typeof part === "object") return part.map(rendered).join("");
  return String(part).replaceAll(/[&<>"']/g, (char) => escapes[char] ?? char);
};

/** Writes HTML: what is put into it is text, unless it is markup itself. */
export const markup = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup => ({
  html: strings.reduce((html, text, i) => `${html}${rendered(parts[i - 1])}${text}`),
});

/** Writes text in which backticks set code. */
export const prose = (text: string): Markup =>
  markup`${text.split("`").map((part, i) => (i % 2 === 0 ? part : markup`<code>${part}</code>`))}`;

/** Writes paragraphs, parted by empty lines. */
export const paragraphs = (text: string): Markup =>
  markup`${text.split("\n\n").map((part) => markup`<p>${prose(part)}</p>`)}`;
