"""How many tokens a text has, about: no tokenizer is at hand where budgets are kept.

The weights are a least-squares fit to Qwen2.5-Coder's tokenizer on 1,500 pieces of real diffs and guidelines, raised by
8 %. On whole prompts the estimate was then 5 % high in the mean, within -5 % and +17 % in nine of ten, and, on
assembly, at worst 21 % low. The weight of text beyond ASCII was raised later and that measurement not repeated.
"""

from __future__ import annotations

_ASCII = bytes(range(128))
_LOWER = bytes(range(ord("a"), ord("z") + 1))
_UPPER = _LOWER.upper()
_DIGITS = b"0123456789"
_BLANK = bytes(range(33)) + b"\x7f"
_MARKS = bytes(byte for byte in _ASCII if byte not in _LOWER + _UPPER + _DIGITS + _BLANK)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, rather too high than too low; 0 for the empty text."""
    data = text.encode("utf-8", "replace")
    size = len(data)
    tokens = (
        0.14 * (size - len(data.translate(None, _LOWER)))
        + 0.24 * (size - len(data.translate(None, _UPPER)))
        + 1.54 * (size - len(data.translate(None, _DIGITS)))
        + 0.59 * (size - len(data.translate(None, _MARKS)))
        + 0.30 * len(data.translate(None, _ASCII))
        + 0.87 * data.count(b"\n")
        + 0.50 * len(data.split())
    )
    return int(tokens) + (size > 0)


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
