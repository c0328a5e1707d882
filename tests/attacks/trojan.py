"""Lines that read otherwise than they run, each with the code points that a reviewer must name."""

from __future__ import annotations

LINES: dict[str, tuple[str, tuple[str, ...]]] = {
    "early return": ("'''Checks the user. \u2067''' ;return True", ("U+2067",)),
    "commented out": ("/*\u202e } \u2066if (is_admin)\u2069 \u2066 begin admins only */", ("U+202E", "U+2066")),
    "stretched string": ('if level != "user\u202e \u2066// Check if admin\u2069 \u2066":', ("U+202E", "U+2066")),
    "embedding": ("total = a \u202aminus\u202c b", ("U+202A", "U+202C")),
    "isolate": ("grant = '\u2068deny\u2069'", ("U+2068",)),
    "override": ("name = 'abc\u202ddef'", ("U+202D",)),
    "invisible name": ("def is\u200b_admin(): return True", ("U+200B",)),
    "joined name": ("if user\u2060name == 'root': pass", ("U+2060",)),
    "look-alike name": ("def say\u041dello(): pass", ("U+041D",)),
    "look-alike letter": ("\u0430ccess = True", ("U+0430",)),
    "tag characters": ("x = 1 # \U000e0061\U000e0070\U000e0070\U000e0072\U000e006f\U000e0076\U000e0065", ("U+E0061",)),
    "filler as a name": ("const { timeout, \u3164 } = req.query", ("U+3164",)),
    "selectors": ("x = 'a\ufe00\ufe01\ufe02'", ("U+FE00",)),
    "escape": ("echo 'ok\x1b[1A\x1b[2Khidden'", ("U+001B",)),
    "backspace": ("print('safe\x08\x08\x08\x08evil')", ("U+0008",)),
    "carriage return": ("evil()  # \rsafe()", ("U+000D",)),
    "byte order mark inside": ("x = 'a\ufeffb'", ("U+FEFF",)),
    "line separator": ("// note \u2028 evil()", ("U+2028",)),
}
"""Named lines."""
