"""JSON as language models write it: what has one reading is repaired, what has two or none is refused.

A text is scanned for objects and lists. Each is read strictly first, then tolerantly: comments, trailing commas, raw
line breaks, Python's literals and quotes, bare words, quotes that nobody escaped. Thinking between tags is skipped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from reviewer.json_reader import LooseJsonError, Place, Reader, make_unique

MAX_CHARACTERS = 200_000
"""Of a text. Longer ones are refused unread: no answer that was asked for is that long."""
MAX_FAILED_STARTS = 50

START = re.compile(r"[{\[]|<(?P<end>/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
END_OF_THINKING = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
LIKE_JSON = re.compile(r"""[\[{\s]*+(?:["'\u201c\u201d]|\w++\s*+:|$)""")
STRAY_QUOTE = re.compile(r"""[ \t]*+["'\u201c\u201d]""")
FENCE = re.compile(r"(?:`{3,}|~{3,})[\w-]*")
_STRICT = json.JSONDecoder(strict=False, object_pairs_hook=make_unique)


@dataclass(frozen=True, slots=True)
class JsonText:
    """The objects and lists of a text. `broken`: what ended the reading early. `alone`: there is nothing else in it."""

    values: tuple[object, ...]
    broken: LooseJsonError | None = None
    alone: bool = False


def read_json(text: str) -> JsonText:
    """Find and read all objects and lists in a text, outside of its thinking. Never raises."""
    if len(text) > MAX_CHARACTERS:
        return JsonText((), LooseJsonError(f"it is {len(text):,} characters long"))
    values: list[object] = []
    prose = ""
    at = failed = 0
    while match := START.search(text, at):
        prose += text[at : match.start()]
        at = match.end()
        if match["end"]:
            values, prose = [], ""
        elif match["end"] is not None:
            end = END_OF_THINKING.search(text, at)
            if end is None:
                return JsonText((), LooseJsonError("its thinking never ended", cut=True))
            at = end.end()
        else:
            try:
                value, at = _read_at(text, match.start())
            except LooseJsonError as error:
                failed += 1
                if LIKE_JSON.match(text, match.start()) or failed > MAX_FAILED_STARTS:
                    return JsonText(tuple(values), error)
            else:
                values.append(value)
    return JsonText(tuple(values), None, alone=not FENCE.sub("", prose + text[at:]).strip("\ufeff \t\r\n"))


def _read_at(text: str, start: int) -> tuple[object, int]:
    """The value that starts here and where it ends: read strictly, else tolerantly."""
    try:
        value, end = _STRICT.raw_decode(text, start)
    except (ValueError, RecursionError):
        reader = Reader(text, start)
        try:
            value, end = reader.read_value(0, Place.LIST), reader.at
        except LooseJsonError as error:
            raise LooseJsonError(error.detail, cut=error.cut, at=reader.at, kept=tuple(reader.kept)) from None
    if STRAY_QUOTE.match(text, end):
        raise LooseJsonError("a quote follows its end: a string may have ended too early", at=end)
    return value, end
