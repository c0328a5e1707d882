"""The page's style sheet."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --tint: #f6f8fa;
  --ours: #0b62c4; --champion: #b35900; --other: #6e7781; --good: #1a7f37; --bad: #b3261e; --mark: #fff3bf;
  --added: #e6f6ea; --removed: #fdecea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0d1117; --ink: #e6edf3; --soft: #9aa4af; --line: #30363d; --tint: #161b22;
    --ours: #62a8ff; --champion: #f0a04b; --other: #8b949e; --good: #4cc463; --bad: #ff8078; --mark: #4a3f10;
    --added: #12301c; --removed: #3a1a1a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
main { max-width: 76rem; margin: 0 auto; padding: 1rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1rem 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p, ul { max-width: 46rem; }
small, .small { font-size: .8rem; color: var(--soft); }
.lead { overflow-wrap: anywhere; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; width: 100%; }
caption { text-align: left; padding: .5rem .75rem; color: var(--soft); }
caption span, th.group span { display: inline-block; position: sticky; left: .75rem; }
th, td { padding: .3rem .75rem; text-align: right; vertical-align: top; border-top: 1px solid var(--line); }
td { white-space: nowrap; }
th small, td small { display: block; font-weight: normal; }
thead th { vertical-align: bottom; min-width: 6.5rem; overflow-wrap: anywhere; }
tr > th:first-child {
  text-align: left; font-weight: normal; position: sticky; left: 0; background: var(--paper); min-width: 9rem;
}
tr > th.group { font-weight: 600; background: var(--tint); position: static; }
td.ours { font-weight: 600; }
td.none { color: var(--soft); }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1.5rem 2rem; }
figure { margin: 0; max-width: 32rem; }
figcaption { font-size: .95rem; font-weight: 600; margin-bottom: .25rem; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
td.words { white-space: normal; text-align: left; overflow-wrap: anywhere; min-width: 14rem; }
.decision { border-left: 4px solid var(--other); background: var(--tint); padding: .25rem 1rem; border-radius: 4px; }
.decision.promote { border-color: var(--good); }
.decision.hold { border-color: var(--bad); }
.decision.inconclusive { border-color: var(--champion); }
article { margin: 1.5rem 0 2.5rem; }
h3 { overflow-wrap: anywhere; }
h3 small { display: block; font-weight: normal; }
h4 { margin: 0; font-size: .8rem; color: var(--soft); }
pre {
  margin: .5rem 0; padding: .5rem 0; overflow-x: auto; border: 1px solid var(--line); border-radius: 6px;
  font: .8rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; unicode-bidi: isolate;
}
code { font: inherit; display: inline-block; min-width: 100%; }
pre span, pre mark { display: block; padding: 0 .75rem; color: inherit; background: none; unicode-bidi: isolate; }
pre .added { background: var(--added); }
pre .removed { background: var(--removed); }
pre mark { box-shadow: inset 4px 0 var(--ours); background: var(--mark); font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: .75rem; }
.said { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .75rem; overflow: hidden; }
.said.ours { border-color: var(--ours); }
.said .words { margin: .25rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
details { margin: .75rem 0; }
summary { cursor: pointer; padding: .25rem 0; }
abbr { text-decoration: none; }
"""
