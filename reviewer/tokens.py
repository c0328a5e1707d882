"""How many tokens a text has, about: no tokenizer is at hand where budgets are kept.

The weights are a least-squares fit to Qwen2.5-Coder's tokenizer on 1,500 pieces of real diffs and guidelines, raised by
8 %. On whole prompts the estimate was then 5 % high in the mean, within -5 % and +17 % in nine of ten, and, on
assembly, at worst 21 % low. The weight of text beyond ASCII was raised later and that measurement not repeated.
"""

from __future__ import annotations

import string


def _kind(byte: int) -> str:
    """A small or a capital letter, a digit, a mark, a blank, or `x` for all beyond ASCII."""
    character = chr(byte)
    if not character.isascii():
        return "x"
    kinds = {"a": string.ascii_lowercase, "A": string.ascii_uppercase, "0": string.digits, ".": string.punctuation}
    return next((kind for kind, characters in kinds.items() if character in characters), " ")


_KINDS = "".join(map(_kind, range(256))).encode()


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, rather too high than too low; 0 for the empty text."""
    if not text:
        return 0
    data = text.encode("utf-8", "replace")
    count = data.translate(_KINDS).count
    tokens = (
        0.14 * count(b"a")
        + 0.24 * count(b"A")
        + 1.54 * count(b"0")
        + 0.59 * count(b".")
        + 0.30 * count(b"x")
        + 0.87 * data.count(b"\n")
        + 0.50 * len(data.split())
    )
    return int(tokens) + 1


def cut_text(text: str, budget: int) -> str:
    """The leading whole lines of a text that fit a budget in tokens; the text itself when all of it does."""
    if estimate_tokens(text) <= budget:
        return text
    kept: list[str] = []
    left = budget
    for line in text.split("\n"):
        left -= estimate_tokens(line) + 1
        if left < 0:
            break
        kept.append(line)
    return "\n".join(kept)
