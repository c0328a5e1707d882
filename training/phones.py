"""Phone numbers in a text, told from version numbers, sizes and sums by their shape."""

from __future__ import annotations

import re
from typing import Final

INTERNATIONAL: Final = re.compile(
    r"(?<![\w+])\+(?:[1-9]\d{10,13}"
    r"|[1-9]\d{0,2}(?:[ .-]?\(\d{2,4}\)[ .-]?\d{2,8}(?:[ .-]\d{2,8}){0,4}"
    r"|(?:[ .-]?\(0\)[ .-]?|[ .-])\d{1,4}(?:[ .-]\d{2,8}){1,5}"
    r"|[ ]?\(0\)[ ]?\d{8,11}|[ ]\d{8,11}))(?![\w-]|\.\w)"
)
"""`+`, the country, and what follows in one piece or in groups; `(0)` may stand before it."""
NORTH_AMERICAN: Final = re.compile(
    r"(?<![\w+.#/-])(?:1[ .-])?(?:\([2-9]\d{2}\)[ -]?\d{3}-|[2-9]\d{2}(?P<mark>[.-])\d{3}(?P=mark))\d{4}(?![\w-]|\.\w)"
)
"""Without `+`: `(555) 123-4567`, `555-123-4567`, `555.123.4567`. None begins with 0 or 1."""
PHONES: Final = (INTERNATIONAL, NORTH_AMERICAN)
DIGITS: Final = range(9, 16)
DIGITS_OF_ELEVEN: Final = 11
"""All numbers of the countries 1 and 7 have so many, and no other country has a single digit."""
NUMBER: Final = re.compile(r"\d+")
MARKED: Final = re.compile(r"(?:[\"'>]|\btel:)\Z")
"""What stands before a number that is meant as text, in code."""
MARK_LENGTH: Final = 5


def is_phone(found: re.Match[str]) -> bool:
    """Whether a match of PHONES is a phone number, in prose."""
    groups = NUMBER.findall(found[0])
    digits = "".join(groups)
    if digits.endswith("00000") or (len(groups) > 2 and all(map(_is_round, groups[-3:]))):  # noqa: PLR2004 - three sizes
        return False
    if found.re is NORTH_AMERICAN:
        return True
    if digits[0] in "17" or len(groups[0]) == 1:
        return digits[0] in "17" and len(digits) == DIGITS_OF_ELEVEN
    return len(digits) in DIGITS


def is_phone_in_code(found: re.Match[str]) -> bool:
    """The same where a number may be a number: it must be quoted, a link, or written as nobody writes a sum."""
    before = found.string[max(0, found.start() - MARK_LENGTH) : found.start()]
    is_plain = found.re is INTERNATIONAL and "(" not in found[0] and found[0].count(" ") < 2  # noqa: PLR2004 - three groups
    return is_phone(found) and (not is_plain or bool(MARKED.search(before)))


def _is_round(number: str) -> bool:
    """Whether it is a size rather than part of a number that somebody was given."""
    return int(number) % 32 == 0 or int(number) % 50 == 0
