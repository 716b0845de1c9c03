"""How the page looks: light or dark as its reader's screen is, narrow or wide, and on paper."""

from __future__ import annotations

STYLE = """\
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f7f8fa; --line: #dfe3e8; --ink: #1c2128; --soft: #59636e; --link: #0a58ca;
  --code: #eceff3; --mark: #fff3c4;
  --red: #b42318; --violet: #6f42c1; --amber: #8a5a00; --orange: #b54708; --blue: #0a58ca; --green: #1a7f37;
  --grey: #59636e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1a2028; --line: #2f3842; --ink: #e3e8ee; --soft: #9aa7b4; --link: #6cb0ff;
    --code: #27303a; --mark: #4a3f14;
    --red: #ff8078; --violet: #c4a0ff; --amber: #e3b341; --orange: #ffa657; --blue: #6cb0ff; --green: #5fce78;
    --grey: #9aa7b4;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; }
body {
  margin: 0; background: var(--page); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
header, main, footer, #tools > div { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 1.55rem; line-height: 1.3; margin: .25rem 0 .5rem; font-weight: 650; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .75rem; font-weight: 650; display: flex; gap: .6rem; }
h2 .count { margin-left: auto; }
p { margin: .5rem 0; }
a { color: var(--link); }
bdi, code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .9em; }
.over, .soft, .at, .count { color: var(--soft); }
.over { margin: 0; letter-spacing: .02em; }
.at { font-size: .85em; }
.count { font-variant-numeric: tabular-nums; font-weight: 400; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: .5rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
nav ul { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; padding: 0; margin: 1.25rem 0 0; }
nav a {
  display: flex; gap: .5rem; align-items: baseline; padding: .3rem .7rem; border: 1px solid var(--line);
  border-radius: 2rem; color: inherit; text-decoration: none; font-size: .92rem; background: var(--card);
}
nav a:hover { border-color: var(--tone); }
nav a b { font-variant-numeric: tabular-nums; color: var(--tone); }
.alert {
  border-left: 4px solid var(--tone); background: var(--card); padding: .7rem 1rem; margin: 1.25rem 0 0;
}
.alert b { color: var(--tone); }
#tools { position: sticky; top: 0; z-index: 1; background: var(--page); margin-top: 1.25rem; }
#tools > div { border-bottom: 1px solid var(--line); padding-top: .6rem; padding-bottom: .6rem; }
#tools .line { display: flex; gap: .75rem; align-items: center; flex-wrap: wrap; }
#filter {
  flex: 1 1 16rem; min-width: 0; font: inherit; padding: .4rem .7rem; color: inherit;
  background: var(--card); border: 1px solid var(--line); border-radius: .4rem;
}
#tools label { display: flex; gap: .35rem; align-items: center; font-size: .9rem; }
#tools label[for=filter] { position: absolute; left: -999rem; }
#tools button {
  font: inherit; font-size: .9rem; padding: .3rem .7rem; color: inherit; cursor: pointer;
  background: var(--card); border: 1px solid var(--line); border-radius: .4rem;
}
fieldset { border: 0; margin: .5rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1rem; }
legend { float: left; margin-right: 1rem; font-size: .9rem; color: var(--soft); }
section h2::before {
  content: ""; flex: none; align-self: center; width: .7rem; height: .7rem; border-radius: 50%;
  background: var(--tone);
}
.group, .finding {
  border: 1px solid var(--line); border-left: 3px solid var(--tone); border-radius: .4rem;
  margin: .5rem 0; background: var(--card);
}
.group, .finding { content-visibility: auto; contain-intrinsic-size: auto 6rem; }
.group > summary { padding: .55rem .9rem; }
.finding { padding: .55rem .9rem .4rem; }
.finding p { margin: .2rem 0; }
summary { cursor: pointer; }
summary .verbs { color: var(--tone); }
summary .who { font-weight: 600; }
.tag { color: var(--orange); font-size: .9em; }
.body { padding: 0 .9rem .7rem 2rem; }
.finding ul, .body ul { margin: .3rem 0; }
table { border-collapse: collapse; margin: .25rem 0 .6rem; font-size: .95rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem 1.25rem .2rem 0; font-weight: 400; }
th { min-width: 7rem; }
td.was { min-width: 6rem; }
thead th { color: var(--soft); font-size: .85rem; border-bottom: 1px solid var(--line); }
td.was { color: var(--soft); }
.names > summary { color: var(--soft); }
.names ul { list-style: none; padding: 0; margin: 0; }
.names .long { content-visibility: auto; contain-intrinsic-size: auto 180rem; }
.names li { padding: .12rem 0; }
.own { display: block; padding-left: 1.25rem; font-size: .92em; }
footer { padding-top: 1.5rem; padding-bottom: 3rem; }
footer h2 { margin-top: 2.5rem; }
pre {
  background: var(--code); padding: .9rem 1rem; border-radius: .4rem; white-space: pre-wrap;
  user-select: all; margin: .5rem 0;
}
.red { --tone: var(--red); } .violet { --tone: var(--violet); } .amber { --tone: var(--amber); }
.orange { --tone: var(--orange); } .blue { --tone: var(--blue); } .green { --tone: var(--green); }
.grey { --tone: var(--grey); }
@media (max-width: 40rem) {
  header { padding-top: 1.25rem; }
  h1 { font-size: 1.25rem; }
  .body { padding-left: .9rem; }
  thead { position: absolute; left: -999rem; }
  tr, td, tbody th { display: block; padding: 0; }
  tbody tr { padding: .3rem 0; }
  tbody th { color: var(--soft); font-size: .85rem; }
  td[data-is]::before { content: attr(data-is) " "; color: var(--soft); font-size: .85rem; }
  #tools { position: static; }
}
@media print {
  body { font-size: 10pt; }
  #tools, nav, .skip { display: none; }
  .group, .finding { break-inside: avoid; background: none; }
  .group, .finding, .names .long { content-visibility: visible; }
  details::details-content { display: block; content-visibility: visible; block-size: auto; }
}"""
