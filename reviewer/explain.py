"""What would be done and said, without a model: for `glossator prompt` and `glossator explain`."""

from __future__ import annotations

from collections.abc import Iterable

from reviewer.domain import Bundle
from reviewer.errors import UsageError
from reviewer.inert import inert_line
from reviewer.locate import choose_hunks
from reviewer.prompt import render_prefix, render_prompt
from reviewer.settings import Settings
from reviewer.tokens import estimate_tokens


def render_prompts(bundle: Bundle, settings: Settings, piece: int = 0) -> str:
    """Exactly what the model would see: the shared prefix, then each piece's own part (or that of one, from 1)."""
    hunks = choose_hunks(bundle, settings).hunks
    if piece > len(hunks) or piece < 0:
        raise UsageError(f"There is no piece {piece}.", f"This change has {len(hunks)}.")
    prefix = render_prefix(bundle, settings)
    chosen = hunks[piece - 1 : piece] if piece else hunks
    parts = [_title(f"shared by all {len(hunks)} requests, about {estimate_tokens(prefix)} tokens"), prefix]
    for hunk in chosen:
        text = render_prompt(prefix, hunk).hunk
        parts += [_title(f"piece {hunks.index(hunk) + 1} of {len(hunks)}, about {estimate_tokens(text)} tokens"), text]
    return "\n".join(parts)


def render_plan(bundle: Bundle, settings: Settings) -> str:
    """What would be looked at, best first; what is left out and why; which guidelines go with it."""
    plan = choose_hunks(bundle, settings)
    looked_at = (
        f"{number:>4}  {plan.scores.get(hunk.digest, 0.0):.2f}  {hunk.path}:{hunk.target_start}  ({hunk.changed} changed)"
        for number, hunk in enumerate(plan.hunks, 1)
    )
    left_out = (
        f"      {c.path}{f':{c.first_line}' if c.first_line else ''}: {c.state}, {c.reason}" for c in plan.left_out
    )
    manifest = (f"      {m.path}: {m.tokens_used} of {m.tokens_total} tokens, {m.reason}" for m in bundle.manifest)
    return "\n".join(
        [
            *_section(f"Looked at, best first ({len(plan.hunks)})", looked_at),
            *_section(f"Left out ({len(plan.left_out)})", left_out),
            *_section(f"Guidelines and lint settings ({len(bundle.manifest)})", manifest),
        ]
    )


def _section(title: str, rows: Iterable[str]) -> list[str]:
    return [title, *(inert_line(row, 300) if not row.startswith(" ") else "  " + inert_line(row, 300) for row in rows)]


def _title(text: str) -> str:
    return f"---- {text} ----"
