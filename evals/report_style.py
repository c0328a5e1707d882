"""The page's style sheet."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --tint: #f6f8fa;
  --ours: #0b62c4; --champion: #b35900; --other: #6e7781; --good: #1a7f37; --bad: #b3261e; --mark: #fff3bf;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0d1117; --ink: #e6edf3; --soft: #9aa4af; --line: #30363d; --tint: #161b22;
    --ours: #62a8ff; --champion: #f0a04b; --other: #8b949e; --good: #4cc463; --bad: #ff8078; --mark: #4a3f10;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
main { max-width: 68rem; margin: 0 auto; padding: 1rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1rem 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p, ul { max-width: 46rem; }
small, .small { font-size: .8rem; color: var(--soft); }
.lead { overflow-wrap: anywhere; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; width: 100%; }
caption { text-align: left; padding: .5rem .75rem; color: var(--soft); }
th, td { padding: .3rem .75rem; text-align: right; vertical-align: top; border-top: 1px solid var(--line); }
td { white-space: nowrap; }
th small, td small { display: block; font-weight: normal; }
.better { color: var(--bad); }
.worse { color: var(--soft); }
thead th { vertical-align: bottom; min-width: 6.5rem; overflow-wrap: anywhere; }
tr > th:first-child {
  text-align: left; font-weight: normal; position: sticky; left: 0; background: var(--paper); min-width: 9rem;
}
tr > th.group { font-weight: 600; background: var(--tint); position: static; }
td.ours { font-weight: 600; }
td.none { color: var(--soft); }
abbr { text-decoration: none; color: var(--bad); }
"""
