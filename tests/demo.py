"""The small pull request that many tests review, and a model that remarks on each of its changes."""

from __future__ import annotations

from typing import Any

from tests.model_server.models import ADDED_LINE, render_comments, text_of

BASE: dict[str, str | bytes] = {
    "app.py": "".join(f"line {number}\n" for number in range(1, 41)),
    "README.md": "A demo.\n",
}


def changed(*numbers: int) -> dict[str, str | bytes]:
    """app.py of BASE with some of its lines changed."""
    return {"app.py": "".join(f"line {n}{' changed' if n in numbers else ''}\n" for n in range(1, 41))}


def plain_model(body: dict[str, Any]) -> str:
    """One comment on the first added line, in words of its own for each line."""
    found = ADDED_LINE.search(text_of(body, "user"))
    if found is None:
        return render_comments()
    words = " ".join(f"{word}{found[1]}" for word in ("this", "needs", "care"))
    return render_comments({"line": found[1], "quote": found[2], "message": words})
