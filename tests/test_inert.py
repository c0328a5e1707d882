from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import example, given
from hypothesis import strategies as st

from reviewer.inert import inert_code, inert_line, make_inert, make_inert_line

OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_FOOTNOTES
TAGS = {"p", "ul", "ol", "li", "em", "strong", "code", "pre", "br", "a"}
ATTRIBUTES = {("ol", "start"), ("code", "class"), ("pre", "lang"), ("a", "href")}
LINK = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+/(blob|tree)/[\w./-]+(#[\w-]+)?", re.ASCII)
LIVE = re.compile(
    r"@\w|\w@|#\d|\bGH-\d|://|\bwww\.|mailto:|xmpp:|\b[0-9a-f]{7,40}\b|\$|:\w+:|[\u202a-\u202e\u2066-\u2069\u200b]",
    re.IGNORECASE,
)
COMMAND = re.compile(r"(?m)^\s*(/[a-zA-Z]\w*\s|/[a-zA-Z]\w*$|bors\b)|(?:^|\s)@dependabot\b")


class Rendered(HTMLParser):
    """What GitHub's parser makes of a text: its tags, and its text outside of code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts = [""]
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, OPTIONS))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.open.remove(tag)
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        if not {"code", "pre", "a"} & set(self.open):
            self.texts[-1] += data

    def handle_comment(self, _data: str) -> None:
        self.tags.append(("!--", {}))


def assert_inert(markdown: str) -> None:
    rendered = Rendered(markdown)
    for tag, attributes in rendered.tags:
        assert tag in TAGS
        assert {(tag, name) for name in attributes} <= ATTRIBUTES
        assert tag != "a" or LINK.fullmatch(attributes["href"] or "")
    for text in rendered.texts:
        assert not LIVE.search(text)
    assert "<!--" not in markdown
    assert not COMMAND.search(markdown)


FENCE = "```"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain words, with a comma.", "Plain words, with a comma."),
        ("Use `a[i]` here, not `b`.", "Use `a[i]` here, not `b`."),
        ("This is **very** wrong, *really* or _really_.", "This is **very** wrong, *really* or _really_."),
        ("**`x` is None** here", "**`x` is None** here"),
        ("Two things:\n- one\n* two\n+ three", "Two things:\n- one\n- two\n- three"),
        ("1. one\n2) two\n", "1. one\n2. two"),
        ("One.\n\n\n\nTwo.", "One.\n\nTwo."),
        ("snake_case and __init__ and a * b", "snake_case and `__init__` and a \\* b"),
        ("if a < b && c > d", "if a &lt; b && c &gt; d"),
        ("R&D &amp; &lt;b&gt;", "R&amp;D & &lt;b&gt;"),
        ("list[int] | None", "list\\[int\\] \\| None"),
        ("$`x`$", "`$x$`"),
        ("It costs $5.", "It costs `$5`."),
        ("Ask @octocat, or (@org/team).", "Ask `@octocat`, or (`@org/team`)."),
        ("Fixes #12, GH-3 and octo/demo#4.", "Fixes `#12`, `GH-3` and `octo/demo#4`."),
        ("See octo/demo@0123456 or deadbeef.", "See `octo/demo@0123456` or `deadbeef`."),
        ("See https://evil.example/a?b=c.", "See `https://evil.example/a?b=c`."),
        ("See [the docs](https://evil.example).", "See the docs (`https://evil.example`)."),
        ("![alt](https://evil.example/x.png)", "alt (`https://evil.example/x.png`)"),
        ("<https://evil.example>", "&lt;`https://evil.example`&gt;"),
        (
            "See https://github.com/o/r/blob/main/a.py#L3.",
            "See <https://github.com/o/r/blob/main/a.py#L3>.",
        ),
        (
            "[here](https://github.com/o/r/blob/main/a.py)",
            "here (<https://github.com/o/r/blob/main/a.py>)",
        ),
        ("https://github.com/o/r/issues/3", "`https://github.com/o/r/issues/3`"),
        ("Mail a.b@example.com", "Mail `a.b@example.com`"),
        ("# Heading\n## 2", "Heading\n2"),
        ("> quoted", "&gt; quoted"),
        ("- [ ] task", "- \\[ \\] task"),
        ("a | b\n--|--\n1 | 2", "a \\| b\n\\--\\|--\n1 \\| 2"),
        ("Title\n===", "Title\n\\==="),
        ("---", "\\---"),
        ("/approve", "`/approve`"),
        ("bors r+", "`bors` r+"),
        ("It `@dependabot merge` is", "It `@ dependabot merge` is"),
        ("std::vector::size and 12:30:45", "`std::vector::size` and `12:30:45`"),
        (":tada: done", "`:tada:` done"),
        ("a `` ` `` b", "a `` ` `` b"),
        ("an odd ` backtick", "an odd &#96; backtick"),
        ("C:\\temp", "C:&#92;temp"),
        ("<img src=x onerror=y><!-- hidden -->", "&lt;img src=x onerror=y&gt;&lt;!-- hidden --&gt;"),
        ("&#64;octocat \\@octocat", "`@octocat` `@octocat`"),
        ("[^1]: note\n[a]: https://evil.example", "\\[^1\\]: note\n\\[a\\]: `https://evil.example`"),
        ("a\u202eb\u200bc\U000e0041d", "abcd"),
        (f"{FENCE}python\nx = 1\n\n\ny = '@octocat'\n{FENCE}", f"{FENCE}python\nx = 1\n\n\ny = '@octocat'\n{FENCE}"),
        (f"Do:\n{FENCE}suggestion\nx\n{FENCE}\nthen", f"Do:\n\n{FENCE}\nx\n{FENCE}\n\nthen"),
        (f"{FENCE}mermaid\nx", f"{FENCE}\nx\n{FENCE}"),
        (f"~~~~js\n{FENCE}\n~~~~", f"````js\n{FENCE}\n````"),
        (f"- item\n  {FENCE}\n  x\n  {FENCE}", f"- item\n\n{FENCE}\nx\n{FENCE}"),
        (f"- {FENCE}\n  x\n{FENCE}", f"{FENCE}\n  x\n{FENCE}"),
        (f"{FENCE}\n/approve\n<!-- x -->\n{FENCE}", f"{FENCE}\n\u00b7 /approve\n<! -- x -->\n{FENCE}"),
        ("", ""),
        (" \n\t\n", ""),
    ],
)
def test_reads_naturally_and_does_nothing(text: str, expected: str) -> None:
    assert make_inert(text) == expected
    assert make_inert(expected) == expected
    assert_inert(expected)


PIECES = [
    *(
        "@octocat",
        "@org/team",
        "#12",
        "GH-1",
        "o/r#1",
        "o/r@0123456",
        "deadbeef",
        "https://evil.example",
        "www.evil.example",
    ),
    *(
        "a@b.example",
        "mailto:a@b.example",
        "xmpp:a@b.example",
        "ftp://x.example",
        "://",
        "www.",
        "@",
        "#",
        "1",
        "$x$",
        ":tada:",
    ),
    *(
        "`",
        "``",
        "```",
        "~~~",
        "~~",
        "*",
        "**",
        "_",
        "__",
        "\\",
        "&",
        "&#64;",
        "&#x40;",
        "&lt;",
        "&amp;#64;",
        "&num;",
        ";",
    ),
    *(
        "<",
        ">",
        "<!--",
        "-->",
        "<img src=x>",
        "<a href=//x>",
        "[",
        "]",
        "(",
        ")",
        "!",
        "[x](",
        "![",
        "[^1]",
        "[^1]: ",
        "[x]: y",
    ),
    *(
        "|",
        "|-|",
        ":-:",
        "a|b\n-|-\n",
        "---",
        "===",
        "\n",
        "\n\n",
        "\n    ",
        "\t",
        " ",
        "  \n",
        "> ",
        "> [!NOTE]",
        "# ",
        "- ",
        "* ",
    ),
    *(
        "1. ",
        "- [ ] ",
        "- - ",
        "/approve",
        "/lgtm cancel",
        "bors r+",
        "@dependabot merge",
        "text",
        "a",
        "x1",
        ".",
        ",",
        "-",
        "+",
        "=",
        ":",
    ),
    *(
        "\u202e",
        "\u200b",
        "\u2066",
        "\ufe0f",
        "\U000e0041",
        "\x1b[31m",
        "\x00",
        "\r",
        "\u2028",
        "\u00a0",
        "\u00e9",
        "\u4e2d",
    ),
    *(
        "https://github.com/o/r/blob/main/a.py",
        "https://github.com/o/r/blob/../../x",
        "```suggestion\n",
        "~~~mermaid\n",
    ),
    *(
        "https",
        "http",
        "user",
        "<?x?>",
        "<![CDATA[",
        "\\@",
        "\\`",
        "\\\\",
        "*@*",
        "**@**a",
        "w*w*w.",
        "](y)",
        "@[",
        "**x**",
        "_@_",
        "(",
        "*x*",
        "'",
        '"',
    ),
]
ATTACKS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
ANY_TEXT = st.one_of(ATTACKS, st.text(max_size=200), st.lists(ATTACKS | st.text(max_size=5), max_size=4).map(" ".join))


@given(ANY_TEXT, st.integers(0, 400))
@example("a`b|c\n-|-\n`@octocat`", 400)
@example("\\`@octocat`", 400)
@example("$`x`$", 400)
@example("@[x](y)", 400)
@example("[@](@)user", 400)
@example("[@]()user", 400)
@example("**@**a**@**", 400)
def test_nothing_is_live(text: str, limit: int) -> None:
    result = make_inert(text, limit=limit)
    assert len(result) <= limit
    assert_inert(result)


@given(ANY_TEXT, st.integers(0, 400))
def test_nothing_is_live_in_a_line_or_a_table(text: str, limit: int) -> None:
    result = make_inert_line(text, limit=limit)
    assert len(result) <= limit
    assert "\n" not in result
    assert_inert(result)
    rendered = Rendered(f"| a | b |\n|---|---|\n| {result} | end |\n")
    assert [tag for tag, _ in rendered.tags].count("td") == 2
    assert not any(LIVE.search(text) for text in rendered.texts)


@given(ANY_TEXT)
def test_twice_is_inert_too(text: str) -> None:
    assert_inert(make_inert(make_inert(text)))


@given(ANY_TEXT)
def test_nothing_is_live_beside_other_text(text: str) -> None:
    assert_inert(f"before\n\n{make_inert(text)}\n\nafter")
    assert cmarkgfm.github_flavored_markdown_to_html(f"{make_inert(text)}\n\nafter", OPTIONS).endswith("<p>after</p>\n")


def test_what_is_too_long_is_cut_visibly() -> None:
    assert make_inert("word " * 100, limit=22) == "word word word word\u2026"
    assert make_inert("line\n" * 200).count("\n") == 79
    assert make_inert("line\n" * 200).endswith("\u2026")
    assert len(make_inert("\u200b" * 100_000 + "x")) < 3


def test_floods_are_thinned() -> None:
    assert make_inert("\U0001f389" * 1000) == "\U0001f389" * 20
    assert make_inert("e" + "\u0301" * 1000 + "e") == "e" + "\u0301" * 4 + "e"


def test_a_line_leaves_code_blocks_out() -> None:
    assert make_inert_line(f"Do:\n{FENCE}py\nx = 1\n{FENCE}\n- then `a|b` #1") == "Do: \u2026 - then `a\u00a6b` `#1`"
    assert make_inert_line(f"# Do\n{FENCE}\nx") == "Do \u2026"


def test_links_go_to_the_given_host_only() -> None:
    text = "https://git.example:8443/o/r/blob/main/a.py"
    assert make_inert(text, "git.example:8443") == f"<{text}>"
    assert make_inert("https:///o/r/blob/main/a.py", "") == "`https:///o/r/blob/main/a.py`"
    assert make_inert(text, "git.example") == f"`{text}`"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/o/r/issues/1",
        "https://github.com/login/oauth/authorize?client_id=x",
        "https://github.com/o/r/blob/main/../../../login",
        "https://github.com/o/r/blob/./main",
        "https://github.com/o/r/blob//x",
        "https://github.com/o/../blob/main/x",
        "https://github.com@evil.example/o/r/blob/main/x",
        "https://github.com.evil.example/o/r/blob/main/x",
        "http://github.com/o/r/blob/main/x",
        "https://github.com/o/r/new/main?filename=x",
        "HTTPS://GITHUB.COM/o/r/blob/main/x",
    ],
)
def test_no_link_that_acts_or_redirects(url: str) -> None:
    assert make_inert(url) == f"`{url}`"
    assert_inert(make_inert(f"[text]({url})"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\tc\r\nd", "a b c d"),
        ("\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "red link"),
        ("::error::x", ": :error::x"),
        (" ::add-mask::x", ": :add-mask::x"),
        ("x ##[error]y", "x # #[error]y"),
        ("a <!-- glossator:1 -->", "a <! -- glossator:1 -->"),
        ("\u202eabc\u200b", "abc"),
        ("abcdef", "abcd\u2026"),
        ("\x9b31mx", "31mx"),
    ],
)
def test_plain_lines(text: str, expected: str) -> None:
    assert inert_line(text, 5 if text == "abcdef" else 100) == expected


@given(st.text(), st.integers(1, 50))
def test_a_plain_line_is_one_short_printable_line(text: str, limit: int) -> None:
    line = inert_line(text, limit)
    assert len(line) <= limit
    assert line.isprintable()
    assert not line.startswith("::")


def test_code_blocks() -> None:
    assert inert_code("x = 1\n", "suggestion") == f"{FENCE}suggestion\nx = 1\n{FENCE}"
    assert inert_code(f"a\r\n{FENCE}\r\nb") == f"````\na\n{FENCE}\nb\n````"
    assert inert_code("") == f"{FENCE}\n\n{FENCE}"
    assert inert_code("name = '\u05e9\u05dc\u05d5\u05dd'  # \U0001f468\u200d\U0001f469") is not None


@pytest.mark.parametrize(
    "text",
    [
        "a\ud800b",
        "a\u202eb",
        "a\u200bb",
        "a\x1b[31m",
        "a\x00",
        "a\fb",
        "a\rb",
        "<!-- x -->",
        "/approve",
        "  /lgtm x",
        "bors r+",
        "x @dependabot y",
    ],
)
def test_code_that_may_not_be_shown(text: str) -> None:
    assert inert_code(f"first\n{text}\nlast", "suggestion") is None


@given(st.one_of(ATTACKS, st.text()))
def test_a_code_block_is_one_block_with_the_code_as_it_is(text: str) -> None:
    block = inert_code(text)
    if block is not None:
        rendered = Rendered(f"{block}\n\nafter")
        assert [tag for tag, _ in rendered.tags] == ["pre", "code", "p"]
        assert block.split("\n")[1:-1] == text.replace("\r\n", "\n").removesuffix("\n").split("\n")


HARD = {
    "backticks": "".join("`" * n + "a" for n in range(90)),
    "stars": "*a " * 2000,
    "brackets": "[" * 4000,
    "links": "[a](" * 1000,
    "underscores": "_" * 4000,
    "colons": ":a" * 2000,
    "escapes": "&#" * 2000,
    "marks": "e" + "\u0301" * 100_000,
    "long": "@a" * 500_000,
}


@pytest.mark.parametrize("name", HARD)
def test_hard_texts_take_bounded_time(name: str) -> None:
    started = time.monotonic()
    assert len(make_inert(HARD[name])) <= 4000
    assert time.monotonic() - started < 1
