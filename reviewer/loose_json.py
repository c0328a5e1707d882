"""JSON as language models write it: what has one reading is repaired, what has two or none is refused.

A text is scanned for objects and lists. Each is read strictly first, then tolerantly: comments, trailing commas, raw
line breaks, Python's literals and quotes, bare words, quotes that nobody escaped. Thinking between tags is skipped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import Enum

MAX_CHARACTERS = 200_000
"""Of a text. Longer ones are refused unread: no answer that was asked for is that long."""
MAX_DEPTH = 40
MAX_FAILED_STARTS = 50
MAX_INNER_QUOTES = 20

GAP = r"(?:[\s\ufeff\u200b]++|//[^\n]*+|#[^\n]*+|/\*.*?\*/)*+"
TRIVIA = re.compile(GAP, re.DOTALL)
START = re.compile(r"[{\[]|<(?P<end>/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
END_OF_THINKING = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
LIKE_JSON = re.compile(r"""[\[{\s]*+(?:["'\u201c\u201d]|\w++\s*+:|$)""")
STRAY_QUOTE = re.compile(r"""[ \t]*+["'\u201c\u201d]""")
FENCE = re.compile(r"(?:`{3,}|~{3,})[\w-]*")
WORD = re.compile(r"""[^\s,:{}\[\]()"'\u201c\u201d\u2018\u2019#]++""")
BARE_WORD = re.compile(r"[A-Za-z_][\w.+-]*")
QUOTED = r"""(?:"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|[\u201c\u201d][^\u201c\u201d"]*+[\u201c\u201d"])"""
KEY = re.compile(rf"(?:{QUOTED}|[A-Za-z_]\w*+){GAP}:", re.DOTALL)
UNSURE = re.compile(
    rf"""["'\u201c\u201d]\s*\+?\s*["'\u201c\u201d]|["'\u201c\u201d]\w+["'\u201c\u201d]{GAP}:""", re.DOTALL
)
"""Inside a string with stray quotes: two strings side by side, or a member."""
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}|.)", re.DOTALL)

DOUBLE = "\u201c\u201d"
SINGLE = "\u2018\u2019"
CLOSERS = {'"': '"', "'": "'", **dict.fromkeys(DOUBLE, DOUBLE + '"'), **dict.fromkeys(SINGLE, SINGLE + "'")}
"""What may close a string, by what opened it."""
STRING_STOPS = {opener: re.compile(rf"\\.|[{closers}]", re.DOTALL) for opener, closers in CLOSERS.items()}
ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "\n": "",
    **{char: char for char in "/\\" + "".join(CLOSERS)},
}
CONSTANTS: dict[str, object] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "None", "NULL", "nil", "undefined"), None),
}


class LooseJsonError(ValueError):
    """A text that has no sure reading.

    `cut`: it ended too early. `at`: where reading stopped. `kept`: the objects in the outermost list that were whole.
    """

    def __init__(self, detail: str, *, cut: bool = False, at: int = 0, kept: tuple[object, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.cut = cut
        self.at = at
        self.kept = kept


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
        reader = _Reader(text, start)
        try:
            value, end = reader.read_value(0, _Place.LIST), reader.at
        except LooseJsonError as error:
            raise LooseJsonError(error.detail, cut=error.cut, at=reader.at, kept=tuple(reader.kept)) from None
    if STRAY_QUOTE.match(text, end):
        raise LooseJsonError("a quote follows its end: a string may have ended too early", at=end)
    return value, end


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise LooseJsonError("an object has a key twice")
    return found


_STRICT = json.JSONDecoder(strict=False, object_pairs_hook=_unique)


class _Place(Enum):
    """Where a string stands: it decides what may follow its closing quote."""

    KEY = "key"
    MEMBER = "member"
    LIST = "list"


@dataclass(slots=True)
class _Reader:
    """A recursive reader at one place of a text. `kept` grows with each whole object of the outermost list."""

    text: str
    at: int
    kept: list[object] = field(default_factory=list)

    def peek(self) -> str:
        """The next character that means something; the reader then stands on it."""
        self.at = self._after(self.at)
        if self.at >= len(self.text):
            raise LooseJsonError("it ends before its JSON does", cut=True)
        return self.text[self.at]

    def read_value(self, depth: int, place: _Place) -> object:
        """One value of any kind."""
        if depth > MAX_DEPTH:
            raise LooseJsonError("its JSON is nested too deeply")
        char = self.peek()
        if char == "{":
            return self._read_object(depth)
        if char in "[(":
            return self._read_list(depth, "]" if char == "[" else ")")
        return self._read_string(place) if char in CLOSERS else self._read_word()

    def _read_object(self, depth: int) -> dict[str, object]:
        self.at += 1
        pairs: list[tuple[str, object]] = []
        while self.peek() != "}":
            key = self._read_string(_Place.KEY) if self.peek() in CLOSERS else str(self._read_word())
            self._expect(":")
            pairs.append((key, self.read_value(depth + 1, _Place.MEMBER)))
            if self.peek() != "}":
                self._expect(",")
        self.at += 1
        return _unique(pairs)

    def _read_list(self, depth: int, closer: str) -> list[object]:
        self.at += 1
        items: list[object] = []
        while self.peek() != closer:
            items.append(self.read_value(depth + 1, _Place.LIST))
            if depth <= 1 and isinstance(items[-1], dict):
                self.kept.append(items[-1])
            if self.peek() != closer:
                self._expect(",")
        self.at += 1
        return items

    def _expect(self, char: str) -> None:
        if self.peek() != char:
            raise LooseJsonError(f"a {char!r} is missing in its JSON")
        self.at += 1

    def _read_word(self) -> object:
        """A number, a constant, or a bare word such as `R12`."""
        match = WORD.match(self.text, self.at)
        if match is None:
            raise LooseJsonError("its JSON has a character where none may be")
        self.at = match.end()
        word = match[0]
        if word in CONSTANTS:
            return CONSTANTS[word]
        for number in (int, float):
            try:
                return number(word)
            except ValueError:
                continue
        if not BARE_WORD.fullmatch(word):
            raise LooseJsonError("its JSON has a bare word")
        return word

    def _read_string(self, place: _Place) -> str:
        """A string. Only one that is a member's value may hold quotes that nobody escaped, and only in pairs."""
        opener = self.text[self.at]
        if opener in "\"'" and self.text.startswith(opener * 3, self.at):
            return self._read_triple(opener * 3)
        start = self.at + 1
        inner = 0
        for stop in STRING_STOPS[opener].finditer(self.text, start):
            if stop[0].startswith("\\"):
                continue
            self.at = stop.end()
            if self.peek() and self._closes(place):
                raw = self.text[start : stop.start()]
                if inner % 2 or (inner and UNSURE.search(raw)):
                    break
                return _unescape(raw)
            inner += not self._is_apostrophe(stop.start())
            if place is not _Place.MEMBER or inner > MAX_INNER_QUOTES:
                break
        else:
            raise LooseJsonError("it ends in the middle of a string", cut=True)
        raise LooseJsonError("a quote inside a string is not escaped")

    def _read_triple(self, quotes: str) -> str:
        start = self.at + 3
        end = self.text.find(quotes, start)
        if end < 0:
            raise LooseJsonError("it ends in the middle of a string", cut=True)
        self.at = end + 3
        return _unescape(self.text[start:end])

    def _after(self, at: int) -> int:
        match = TRIVIA.match(self.text, at)
        return match.end() if match else at

    def _closes(self, place: _Place) -> bool:
        """Whether the quote before here is a string's last, going by what follows: the reader stands on it."""
        char = self.text[self.at]
        if place is _Place.KEY:
            return char == ":"
        if place is _Place.LIST:
            return char in ",])"
        if char != ",":
            return char == "}"
        after = self._after(self.at + 1)
        return self.text[after : after + 1] in {"}", ""} or KEY.match(self.text, after) is not None

    def _is_apostrophe(self, at: int) -> bool:
        around = self.text[at - 1 : at + 2]
        return around[1] in "'\u2019" and around[0].isalpha() and around[2:].isalpha()


def _unescape(raw: str) -> str:
    """A string's text. Unknown escapes, such as a regular expression's, stand for themselves."""

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else ESCAPES.get(code, match[0])

    return join_surrogates(ESCAPE.sub(replace, raw))


def join_surrogates(text: str) -> str:
    """The text with surrogate pairs as the characters they mean, and lone ones as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
