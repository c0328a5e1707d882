"""HTML that is escaped by default: only what `element` made goes into a page as it is."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Final

from reviewer.invisible import drop_hidden

VOID: Final = frozenset({"br", "hr", "img", "meta"})


class Html(str):
    """Finished HTML. Made here and by `evals.plots` alone; every other text is escaped where it meets a page."""

    __slots__ = ()


Content = str | Iterable[str]


def escape(text: str) -> Html:
    """A text as HTML shows it: no markup of its own, no characters that hide or turn others around."""
    return text if isinstance(text, Html) else Html(html.escape(drop_hidden(text)))


def element(name: str, /, *content: Content, **attributes: str) -> Html:
    """An element.

    Args:
        name: As `table`.
        content: Texts, which are escaped, finished HTML, and lists of these.
        attributes: Their values are escaped. A trailing underscore is cut off, others turn into hyphens: `class_`.
    """
    inner = "".join(escape(part) for parts in content for part in ([parts] if isinstance(parts, str) else parts))
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>" if name in VOID else f"<{name}{given}>{inner}</{name}>")


def join(parts: Iterable[str], between: str = "") -> Html:
    """Parts after one another, those that are no HTML escaped."""
    return Html(escape(between).join(escape(part) for part in parts))
