"""A recursive reader of JSON with a language model's mistakes: repairs what has one reading, refuses the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

MAX_DEPTH = 40
MAX_INNER_QUOTES = 20

GAP = r"(?:[\s\ufeff\u200b]++|//[^\n]*+|#[^\n]*+|/\*.*?\*/)*+"
TRIVIA = re.compile(GAP, re.DOTALL)
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


def make_unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of its members. One with a key twice has two readings."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise LooseJsonError("an object has a key twice")
    return found


class Place(Enum):
    """Where a string stands: it decides what may follow its closing quote."""

    KEY = "key"
    MEMBER = "member"
    LIST = "list"


@dataclass(slots=True)
class Reader:
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

    def read_value(self, depth: int, place: Place) -> object:
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
            key = self._read_string(Place.KEY) if self.peek() in CLOSERS else str(self._read_word())
            self._expect(":")
            pairs.append((key, self.read_value(depth + 1, Place.MEMBER)))
            if self.peek() != "}":
                self._expect(",")
        self.at += 1
        return make_unique(pairs)

    def _read_list(self, depth: int, closer: str) -> list[object]:
        self.at += 1
        items: list[object] = []
        while self.peek() != closer:
            items.append(self.read_value(depth + 1, Place.LIST))
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

    def _read_string(self, place: Place) -> str:
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
            if place is not Place.MEMBER or inner > MAX_INNER_QUOTES:
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

    def _closes(self, place: Place) -> bool:
        """Whether the quote before here is a string's last, going by what follows: the reader stands on it."""
        char = self.text[self.at]
        if place is Place.KEY:
            return char == ":"
        if place is Place.LIST:
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
