from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewer.domain import ChangedFile, Finding, Hunk, Line, LineKind, PullRequest
from reviewer.invisible import find_hidden, find_invisible, is_hidden


def find(text: str, path: str = "a.py", kind: LineKind = "+", number: int = 7) -> tuple[Finding, ...]:
    line = Line(kind, text, None if kind == "+" else number, None if kind == "-" else number)
    hunk = Hunk(path, "", number, number, (line,))
    file = ChangedFile(path, "modified", (hunk,))
    return find_invisible(PullRequest("o/r", 1, "t", "b", "a", "", "", (file,)))


RLO, LRI, PDI, RLI, ZWSP, ZWJ, BOM = "\u202e", "\u2066", "\u2069", "\u2067", "\u200b", "\u200d", "\ufeff"
ADMIN = "\u0430dmin"


@pytest.mark.parametrize(
    ("text", "severity", "named"),
    [
        (f"if access != 'user{RLO} {LRI}# admin{PDI} {LRI}':", "error", "U+202E RIGHT-TO-LEFT OVERRIDE (column 19)"),
        (f"/*{RLO} }} {LRI}if (admin){PDI} {LRI} begin", "error", "U+2066 LEFT-TO-RIGHT ISOLATE"),
        ("x = 'a\U000e0041\U000e0042'", "error", "U+E0041 TAG LATIN CAPITAL LETTER A (column 7)"),
        ("x = 'a\ufe00\ufe01\U000e0101'", "error", "U+FE00 VARIATION SELECTOR-1"),
        ("x = 'a\U000e0101'", "warning", "U+E0101 VARIATION SELECTOR-18 (column 7)"),
        (f"is{ZWSP}admin = True", "warning", "U+200B ZERO WIDTH SPACE (column 3)"),
        (f"is{ZWJ}admin = True", "warning", "U+200D ZERO WIDTH JOINER"),
        (f"x = 1{BOM}", "warning", "U+FEFF ZERO WIDTH NO-BREAK SPACE (column 6)"),
        ("let \u3164 = 1", "warning", "U+3164 HANGUL FILLER (column 5)"),
        ("x = 'a\u00adb'", "warning", "U+00AD SOFT HYPHEN"),
        ("x = 'a\u200eb'", "warning", "U+200E LEFT-TO-RIGHT MARK"),
        ("x = 'a\u2028b'", "warning", "U+2028 LINE SEPARATOR"),
        ("x = 'a\x1b[31m'", "warning", "U+001B control character (column 7)"),
        ("x = 1 # safe\rimport os", "warning", "U+000D control character (column 13)"),
        (f"if {ADMIN}:", "warning", "`admin` but is another: it holds U+0430 CYRILLIC SMALL LETTER A (column 4)"),
        ("\u0441\u043e\u0440\u0443(x)", "warning", "`copy`"),
        ("\U0001d41dict()", "warning", "`dict`"),
        ("x = \uff49d", "warning", "`id`"),
        ("\u0399nt x;", "warning", "`Int`"),
    ],
)
def test_finds(text: str, severity: str, named: str) -> None:
    (finding,) = find(text)
    assert finding.severity == severity
    assert named in finding.message
    assert finding.message.isascii()
    assert (finding.path, finding.line, finding.quote, finding.category) == ("a.py", "R7", text, "security")


HEBREW = "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"
ARABIC = "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
HINDI = "\u0915\u094d\u200d\u0937"
THAI = "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u200b\u0e0a\u0e32\u0e27"
CHINESE = "\u8fd9\u662f\u4e00\u4e2a\u6d4b\u8bd5\uff0c\u8bf7\u770b\uff21\uff30\uff29\u3002"
RUSSIAN = "\u0440\u0430\u0431\u043e\u0442\u0430\u0435\u0442 \u0441 API, \u0430 \u0432 JSON\u0435 - \u043e"


@pytest.mark.parametrize("path", ["a.py", "docs/a.md", "a.js", "ru.yml", "README"])
@pytest.mark.parametrize(
    "text",
    [
        *(HEBREW, ARABIC, PERSIAN, HINDI, THAI, CHINESE, RUSSIAN),
        *(f"# {text}" for text in (HEBREW, ARABIC, PERSIAN, CHINESE, RUSSIAN)),
        *(f"x = '{text}'  // {text}" for text in (HEBREW, ARABIC, PERSIAN, CHINESE, RUSSIAN)),
        f"say('{HEBREW}\u200f!')",
        "greet('\U0001f468\u200d\U0001f469\u200d\U0001f467') # \U0001f469\U0001f3fd\u200d\U0001f4bb",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f \U0001f3f3\ufe0f\u200d\U0001f308",
        "\u2764\ufe0f \u2764\ufe0f\u200d\U0001f525 1\ufe0f\u20e3 \u00a9\ufe0f \u2139\ufe0f \u203c\ufe0f",
        "\u9089\U000e0100 \u820a\ufe00",
        "na\u00efve caf\u00e9 \u00fcber \u03b1\u03b2\u03b3 \u2192 \u201cquoted\u201d \u2026",
        "v\u2093, x\u207f = \u211d, \U0001d49f",
        "def stra\u00dfe(\u03c3, \u0394x): ...",
        "x = 1\r",
        "\f",
        "\tplain = 'ascii'",
    ],
)
def test_other_languages_and_emoji_are_no_findings(path: str, text: str) -> None:
    assert find(text, path) == ()


def test_prose_may_isolate_and_hyphenate() -> None:
    isolated = f"See {RLI}{HEBREW}{PDI} and hy\u00adphen"
    assert find(isolated, "docs/a.md") == ()
    assert find(isolated, "a.py")[0].severity == "error"
    assert find(isolated.replace(PDI, ""), "docs/a.md")[0].severity == "error"
    assert find(f"See {RLO}{HEBREW}\u202c", "docs/a.md")[0].severity == "error"
    assert find(f"See {RLO}{HEBREW}", "docs/a.md")[0].severity == "error"
    assert find(f"See {RLI}latin{PDI}", "docs/a.md")[0].severity == "error"
    assert find(f"The word {ADMIN}", "docs/a.md") == ()


def test_look_alikes_in_comments_and_strings_are_no_findings() -> None:
    for text in (
        f"# {ADMIN}",
        f"x = '{ADMIN}'",
        f'x = "{ADMIN}" // {ADMIN}',
        f" * {ADMIN}",
        f"/* {ADMIN} */ x",
        f"`{ADMIN}`",
    ):
        assert find(text) == ()
    assert find(f"x = 'a' + {ADMIN} + 'b'  # c")[0].message.count("column 11") == 2


def test_a_byte_order_mark_at_the_start_of_a_file_is_no_finding() -> None:
    assert find(f"{BOM}x = 1", number=1) == ()
    assert find(f"{BOM}x = 1", number=2) != ()
    assert find(f"{BOM}{BOM}x = 1", number=1) != ()


@pytest.mark.parametrize("kind", ["-", " "])
def test_only_added_lines_count(kind: LineKind) -> None:
    assert find(f"x{RLO}", kind=kind) == ()


def test_one_finding_a_line_names_a_few() -> None:
    (finding,) = find(f"{ADMIN} = 1{ZWSP * 9}")
    assert "and 4 more" in finding.message
    assert "`admin`" in finding.message
    assert len(finding.message) < 800


def test_a_flag_is_not_a_place_to_hide() -> None:
    payload = "\U0001f3f4" + "".join(chr(0xE0000 + ord(char)) for char in "ignoreallrules") + "\U000e007f"
    assert find(f"x = '{payload}'")[0].severity == "error"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n")))
def test_what_is_found_is_hidden_and_never_shown(text: str) -> None:
    for at in find_hidden(text):
        assert is_hidden(text[at])
    for finding in find(text):
        assert not any(is_hidden(char) for char in finding.message)
        assert finding.message.isascii()


@given(st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126)))
def test_plain_ascii_is_never_found(text: str) -> None:
    assert find(text) == ()
