/** The style sheet of the page, for light and dark, narrow and wide. */
export const docsStyle = `:root {
  color-scheme: light dark;
  --ground: light-dark(#ffffff, #14171c);
  --raised: light-dark(#f5f6f8, #1c2027);
  --line: light-dark(#dcdfe5, #333a45);
  --text: light-dark(#1b1f26, #e3e6eb);
  --faint: light-dark(#5a6472, #9aa4b2);
  --link: light-dark(#0b57b8, #7db4ff);
  --get: light-dark(#0b6b3a, #6fd49b);
  --put: light-dark(#8a5300, #f0b35e);
  --post: light-dark(#0b57b8, #7db4ff);
  --patch: light-dark(#6b3fa0, #c4a1f5);
  --delete: light-dark(#b3261e, #ff8f85);
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0; display: grid; grid-template-columns: 17rem minmax(0, 1fr);
  background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
}
nav {
  position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1rem;
  background: var(--raised); border-right: 1px solid var(--line); font-size: 0.9rem;
}
nav ul { list-style: none; margin: 0 0 0.5rem; padding: 0; }
nav li a { display: flex; gap: 0.5rem; padding: 0.15rem 0.25rem; color: inherit; border-radius: 4px; }
nav li b { flex: 0 0 3.4rem; font-size: 0.7rem; line-height: 1.4rem; }
nav summary { padding: 0.3rem 0.25rem; font-weight: 600; }
.title { margin: 0 0 0.75rem; font-size: 1.1rem; font-weight: 700; }
.title a { color: inherit; }
main { width: 100%; max-width: 60rem; padding: 1rem clamp(1rem, 4vw, 3rem) 4rem; }
h1 { margin: 0.5rem 0; font-size: 1.9rem; }
h2 { margin: 2.5rem 0 0.5rem; padding-top: 1rem; border-top: 2px solid var(--line); font-size: 1.5rem; }
h3 { margin: 0; font-size: 1.15rem; }
h3 a { color: inherit; }
h4 { margin: 1rem 0 0.25rem; font-size: 0.95rem; }
p { margin: 0.4rem 0; overflow-wrap: anywhere; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
small, .type { color: var(--faint); font-size: 0.85em; font-weight: 400; }
code, pre, .route b, nav b { font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
code { font-size: 0.88em; overflow-wrap: anywhere; }
p > code, dd > code { padding: 0.05em 0.3em; background: var(--raised); border-radius: 4px; }
article { margin: 1rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; }
article:target { border-color: var(--link); }
.route { padding: 0.35rem 0.6rem; background: var(--raised); border-radius: 6px; }
.route code { padding: 0; }
.get { color: var(--get); }
.put { color: var(--put); }
.post { color: var(--post); }
.patch { color: var(--patch); }
.delete { color: var(--delete); }
dl { display: grid; grid-template-columns: minmax(7rem, 14rem) minmax(0, 1fr); gap: 0.25rem 1rem; margin: 0.25rem 0; }
dt { overflow-wrap: anywhere; }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
dl dl { grid-column: 1 / -1; margin-left: 0.25rem; padding-left: 0.75rem; border-left: 2px solid var(--line); }
.headers code { color: var(--faint); background: none; padding: 0; }
pre { margin: 0.5rem 0; padding: 0.75rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
summary { cursor: pointer; }
article > details { margin-top: 0.75rem; }
@media (max-width: 50rem) {
  body { display: block; }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); }
  article { padding: 0.75rem; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin: 0 0 0.5rem 0.75rem; }
}
@media print { nav { display: none; } body { display: block; } }
`;
