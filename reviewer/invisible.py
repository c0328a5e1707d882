"""Hidden characters and look-alike names in added lines, found by rule and not by the model.

Other languages are not hidden characters: joiners in their scripts, direction marks in their prose, emoji sequences and
a byte order mark at the start of a file are left alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath

from reviewer.domain import Finding, Hunk, Line, PullRequest

OVERRIDES = "\u202d\u202e"
EMBEDDINGS = "\u202a\u202b\u2066\u2067\u2068"
ENDS = "\u202c\u2069"
BIDI = frozenset(OVERRIDES + EMBEDDINGS + ENDS)
DIRECTION_MARKS = frozenset("\u200e\u200f\u061c")
JOINERS = frozenset("\u200b\u200c\u200d\u034f")
FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Characters that show nothing though their category is a letter's or a mark's."""
VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
JOINING_SCRIPTS = frozenset(
    [
        *("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM"),
        *("SINHALA", "KHMER", "MYANMAR", "MONGOLIAN", "THAI", "LAO", "TIBETAN", "HANGUL", "SYRIAC"),
    ]
)
PROSE = frozenset([".md", ".mdx", ".markdown", ".rst", ".txt", ".adoc", ".tex", ".po", ".pot", ".html", ".srt", ".arb"])
"""Suffixes of files that hold prose: look-alike letters and isolated right-to-left text are at home there."""

NOT_PLAIN = re.compile(r"[^\t\x20-\x7e]")
FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]{3,6}\U000e007f")
NAME = re.compile(r"[^\W\d]\w*")
NOT_CODE = re.compile(
    r"""^\s*(?:\#|//|/?\*|--|<!--|;|%|"{3}|'{3}).*|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|`[^`]*+`|//.*|\#\s.*|/\*.*?(?:\*/|$)""",
    re.VERBOSE,
)
"""Comments and strings, roughly: people may write there as they like."""
LOOK_ALIKES = dict(
    zip(
        "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u04cf"
        "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405\u04ae\u03bf\u0391\u0392"
        "\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u0131\u0261\u0578\u0585\u057d\u0570",
        "aceopxyijsdqwhlABEKMHOPCTXIJSYoABEZHIKMNOPTYXignouh",
        strict=True,
    )
)
MAX_NAMED = 5


def find_invisible(pull_request: PullRequest) -> tuple[Finding, ...]:
    """Find added lines that read otherwise than they run: one finding a line, of the category security.

    The message names each character by its code point and its column, which counts from 1, and never holds it.
    """
    return tuple(
        finding
        for file in pull_request.files
        for hunk in file.hunks
        for line in hunk.lines
        if line.kind == "+" and NOT_PLAIN.search(line.text) and (finding := _judge(hunk, line))
    )


RULE = "hidden-characters"


def is_hidden(char: str) -> bool:
    """Whether a character by itself shows nothing or moves others: for text that needs none. Not tab, not line feed."""
    if char in "\t\n" or " " <= char <= "~":
        return False
    category = unicodedata.category(char)
    return category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} or char in FILLERS or _is_selector(char)


def drop_hidden(text: str) -> str:
    """A text without its hidden characters."""
    return NOT_PLAIN.sub(lambda match: "" if is_hidden(match[0]) else match[0], text)


def find_hidden(text: str, *, is_first: bool = False, is_prose: bool = False) -> list[int]:
    """Where a line has hidden characters that its language or its emoji do not need.

    Args:
        text: One line.
        is_first: It is the first line of a file, where a byte order mark may stand.
        is_prose: It is of a document: text of the other direction may be isolated there.

    Returns:
        Indexes into the line.
    """
    flags = {at for match in FLAG.finditer(text) for at in range(*match.span())}
    return [
        match.start()
        for match in NOT_PLAIN.finditer(text)
        if _is_suspect(match[0])
        and match.start() not in flags
        and not (is_first and match.start() == 0 and match[0] == "\ufeff")
        and not _is_needed(text, match.start(), is_prose=is_prose)
    ]


def _is_suspect(char: str) -> bool:
    category = unicodedata.category(char)
    is_control = category in {"Cc", "Zl", "Zp"} and char != "\f"
    return is_control or (category == "Cf" and char not in VISIBLE_FORMATS) or char in FILLERS or _is_selector(char)


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180f"


def _is_needed(text: str, at: int, *, is_prose: bool) -> bool:
    """Whether a language or an emoji sequence needs the hidden character that stands here."""
    char, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if char in DIRECTION_MARKS or char in BIDI:
        return _has_right_to_left(text) and (char in DIRECTION_MARKS or (is_prose and _is_balanced(text)))
    if char in JOINERS:
        return (_joins(before) and _joins(after)) or (char == "\u200d" and _is_emoji(before) and _is_emoji(after))
    if _is_selector(char):
        return _takes_selector(before)
    if char == "\u00ad":
        return is_prose and before.isalpha() and after.isalpha()
    return (char == "\r" and not after) or (char in FILLERS and char not in "\u3164\uffa0" and _joins(before))


def _joins(char: str) -> bool:
    """Whether a character is of a script in which joiners change how words look or break."""
    if not char:
        return False
    script = unicodedata.name(char, "").partition(" ")[0]
    return script in JOINING_SCRIPTS or unicodedata.bidirectional(char) in {"AL", "R", "NSM"}


def _is_emoji(char: str) -> bool:
    return char == "\ufe0f" or (bool(char) and unicodedata.category(char) in {"So", "Sk", "Sm"} and char > "\u00ff")


def _takes_selector(char: str) -> bool:
    """Whether a variation selector may follow: emoji, keycaps, ideographs, Mongolian. Never a second selector."""
    if not char or _is_selector(char) or (char.isascii() and char not in "0123456789#*"):
        return False
    return unicodedata.category(char) in {"So", "Sm", "Sk", "Po", "Pd", "Nd", "Lo"} or char == "\u2139"


def _has_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(char) in {"R", "AL"} and char.isalpha() for char in text)


def _is_balanced(text: str) -> bool:
    opened = 0
    for char in text:
        opened += (char in EMBEDDINGS) - (char in ENDS)
        if opened < 0 or char in OVERRIDES:
            return False
    return opened == 0


def _find_look_alikes(text: str) -> Iterator[tuple[int, str]]:
    """Names in code that is otherwise ASCII with letters that look like ASCII: where each is, and how it reads."""
    code = NOT_CODE.sub(lambda match: " " * len(match[0]), text)
    strange = [char for char in code if not char.isascii() and char.isalpha()]
    if not strange or any(_look_alike(char) is None for char in strange):
        return
    for match in NAME.finditer(code):
        if not match[0].isascii() and (len(match[0]) > 1 or match[0] in LOOK_ALIKES):
            yield match.start(), "".join(_look_alike(char) or char for char in match[0])


def _look_alike(char: str) -> str | None:
    """The ASCII letter that a letter looks like. Raised and lowered letters do not."""
    if char in LOOK_ALIKES or unicodedata.category(char) not in {"Lu", "Ll"}:
        return LOOK_ALIKES.get(char)
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain.isascii() and plain.isalpha() else None


def _judge(hunk: Hunk, line: Line) -> Finding | None:
    is_prose = PurePosixPath(hunk.path).suffix.lower() in PROSE
    hidden = find_hidden(line.text, is_first=line.target_line == 1, is_prose=is_prose)
    names = [] if is_prose else list(_find_look_alikes(line.text))
    if not hidden and not names:
        return None
    chars = [line.text[at] for at in hidden]
    is_grave = any(char in BIDI or "\U000e0000" <= char <= "\U000e007f" for char in chars) or (
        sum(map(_is_selector, chars)) > 1
    )
    return Finding(
        path=hunk.path,
        line=line.id,
        quote=line.text,
        message=_describe(line.text, hidden, names),
        severity="error" if is_grave else "warning",
        category="security",
        confidence=1.0,
        rule=RULE,
    )


def _describe(text: str, hidden: list[int], names: list[tuple[int, str]]) -> str:
    parts = []
    if hidden:
        named = _name_all(text, hidden)
        parts.append(f"This line holds characters that do not show: {named}. It may not do what it seems to.")
    for at, plain in names[:MAX_NAMED]:
        letters = [at + i for i in range(len(plain)) if not text[at + i].isascii()]
        parts.append(
            f"The name at column {at + 1} reads `{plain}` but is another: it holds {_name_all(text, letters)}."
        )
    return " ".join([*parts, "Remove them, or write them as escapes if they are meant."])


def _name_all(text: str, places: list[int]) -> str:
    named = [
        f"U+{ord(text[at]):04X} {unicodedata.name(text[at], 'control character')} (column {at + 1})"
        for at in places[:MAX_NAMED]
    ]
    more = len(places) - MAX_NAMED
    return ", ".join([*named, *([f"and {more} more"] if more > 0 else [])])
