"""What would be done and said, without a model: for `glossator prompt` and `glossator explain`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reviewer.context import guideline_budget
from reviewer.domain import Bundle, Coverage, Hunk
from reviewer.errors import UsageError
from reviewer.locate import Plan, choose_hunks, list_reasons
from reviewer.locator import Reason
from reviewer.locator_reasons import render_reasons
from reviewer.prompt import render_prefix, render_prompt
from reviewer.report_lines import clean, clean_character, plural
from reviewer.settings import Settings
from reviewer.tokens import estimate_tokens

RULE = 78
"""Characters."""


def render_prompts(bundle: Bundle, settings: Settings, piece: int = 0) -> str:
    """Exactly what the model would see: the shared prefix, then each piece's own part (or that of one, from 1).

    Only characters that could steer a terminal are shown by their number.
    """
    hunks = choose_hunks(bundle, settings).hunks
    if piece > len(hunks) or piece < 0:
        raise UsageError(f"There is no piece {piece}.", f"Of this change, {plural(len(hunks), 'piece')} are looked at.")
    prefix = render_prefix(bundle, settings)
    parts = [_rule(f"shared by {plural(len(hunks), 'request')}, about {estimate_tokens(prefix):,} tokens"), prefix]
    for number, hunk in enumerate(hunks, 1):
        if piece in (0, number):
            text = render_prompt(prefix, hunk).hunk
            about = f"piece {number} of {len(hunks)}, {hunk.path}, about {estimate_tokens(text):,} tokens"
            parts += [_rule(about), text]
    return "".join(c if c in "\t\n" else clean_character(c) for c in "\n".join(parts))


def render_plan(bundle: Bundle, settings: Settings) -> str:
    """What would be looked at, best first, and why; what is left out and why; which guidelines go with it."""
    plan = choose_hunks(bundle, settings)
    of_change, reasons = list_reasons(bundle, settings)
    looked_at = [
        (f"{number:>4}  {plan.scores.get(hunk.digest, 0.0):.2f}", _place(hunk), _about(hunk, plan, reasons))
        for number, hunk in enumerate(plan.hunks, 1)
    ]
    left_out = [("    -", _place(part), f"{part.state}: {part.reason}") for part in plan.left_out]
    used = [
        ("    -", part.path, f"{part.tokens_used:,} of {part.tokens_total:,} tokens: {part.reason}")
        for part in bundle.manifest
    ]
    return "\n\n".join(
        [
            *([clean(plan.note)] if plan.note else []),
            *([f"The change as a whole: {render_reasons(of_change)}"] if of_change else []),
            _section(
                "Looked at, best first: how likely a human comments there, where findings may stand, and why", looked_at
            ),
            _section("Left out", left_out),
            _section(f"Guidelines and lint settings, at most {guideline_budget(settings):,} tokens", used),
        ]
    )


def _about(hunk: Hunk, plan: Plan, reasons: Mapping[str, Sequence[Reason]]) -> str:
    """`inline   12 changed: +0.8 much is edited, ...`: where findings may stand, and what adds to the log-odds."""
    why = render_reasons(reasons.get(hunk.digest, ()))
    where = "inline" if hunk.digest in plan.likely else "summary"
    return f"{where:<7}  {hunk.changed} changed{': ' if why else ''}{why}"


def _place(part: Hunk | Coverage) -> str:
    """`src/a.py:12`; of a whole file its path."""
    line = part.target_start if isinstance(part, Hunk) else part.first_line
    return f"{part.path}:{line}" if line else part.path


def _section(title: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """A heading and rows in columns; `none` where there are no rows."""
    rows = [(mark, clean(place), clean(about)) for mark, place, about in rows]
    width = min(60, max((len(place) for _, place, _ in rows), default=0))
    shown = [f"{mark}  {place:<{width}}  {about}" for mark, place, about in rows]
    return "\n".join([f"{title} ({len(rows)})", *(shown or ["    none"])])


def _rule(text: str) -> str:
    return f"---- {text} ".ljust(RULE, "-")
