"""Checks on everything that leaves a run, read as those who get it read it: GitHub, the runner, a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import cmarkgfm
import jsonschema
from cmarkgfm.cmark import Options

from reviewer.state import CommentMarker, Signer, State
from simulation.github_server import LogEntry
from tests.test_report import RDJSON, REVIEW_SCHEMA, SARIF

OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_FOOTNOTES
SCHEMAS = Path(__file__).parent.parent.parent / "schemas"
BUNDLE_SCHEMA = jsonschema.Draft202012Validator(json.loads((SCHEMAS / "bundle.schema.json").read_text("utf-8")))

TAGS = {"p", "ul", "ol", "li", "em", "strong", "code", "pre", "br", "a", "sub", "details", "summary", "h3"}
ATTRIBUTES = {("ol", "start"), ("code", "class"), ("pre", "lang"), ("a", "href")}
LINK = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+/(blob|tree)/[\w./-]+(#[\w-]+)?", re.ASCII)
HEADLINE = re.compile(r"Glossator: (reviewed|partly reviewed|not reviewed)")
LIVE = re.compile(
    r"@\w|\w@|#\d|\bGH-\d|://|\bwww\.|mailto:|xmpp:|\b[0-9a-f]{7,40}\b|\$|:\w+:|\bGHSA-",
    re.IGNORECASE,
)
"""What GitHub links, notifies about or draws, in text outside of code."""
BOT_COMMAND = re.compile(
    r"(?m)^\s*(/[a-zA-Z][\w-]*(\s|$)|bors\b)|@(?:dependabot|mergifyio|bors|copilot|claude)[ :]", re.IGNORECASE
)
"""What a program that reads comments raw obeys, at home in code or not."""
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e01ef]"
)

COMMAND_LINE = re.compile(
    r"::(?P<level>error|warning|notice) (?P<properties>[^:]*title=Glossator[^:]*)::(?P<message>.*)"
)
OUTPUTS = {
    "number": r"\d+",
    "command": r"review|pause|resume|help|none",
    "status": r"reviewed|partial|not-reviewed|overtaken",
    "comments": r"\d+",
    "sarif-file": r"/.*/glossator/review\.sarif",
}
READS = re.compile(
    r"/repos/octo/demo/(pulls/\d+(/files|/comments|/reviews)?|issues/\d+/comments|git/(trees|blobs)/[0-9a-f]{40}"
    r"|collaborators/[\w-]+/permission)"
)
WRITES = {
    ("POST", "pulls/N/reviews"): {"commit_id", "event", "body", "comments"},
    ("POST", "pulls/N/comments"): {"commit_id", "path", "line", "side", "start_line", "start_side", "body"},
    ("POST", "issues/N/comments"): {"body"},
    ("PATCH", "issues/comments/N"): {"body"},
    ("POST", "issues/comments/N/reactions"): {"content"},
}
RUN_FILES = {"bundle.json", "review.json", "posted.json", "run.json", "review.sarif", "review.md"}


class Rendered(HTMLParser):
    """What GitHub's parser makes of a text: its tags, its headlines, and its text outside of code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts = [""]
        self.headlines: list[str] = []
        self.comments: list[str] = []
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown.encode("utf-8", "replace").decode(), OPTIONS))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.texts.append("")
        if tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "what is opened is closed, in order"
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        if re.fullmatch("h[1-6]", self.open[-1] if self.open else ""):
            self.headlines.append(data)
        if not {"code", "pre", "a"} & set(self.open):
            self.texts[-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def assert_body(body: str, signer: Signer, *, head: str, headlines: int = 0) -> None:
    """A comment on GitHub: inert Markdown, at most our one headline on top, and our own signed marker at the end."""
    text, _, marker = body.rpartition("\n\n<!--")
    if marker:
        found = f"<!--{marker}"
        assert signer.parse(found, State) if headlines else signer.parse(found, CommentMarker), "the marker is ours"
        assert re.fullmatch(r" glossator:1:(state|comment):[\w=-]+:[0-9a-f]{32} -->", marker)
    else:
        text = body
    assert "<!--" not in text
    assert len(body) <= 65_536
    assert_markdown(text, head=head, headlines=headlines)


def assert_markdown(text: str, *, head: str, headlines: int = 0) -> None:
    """Markdown in which nothing is live but our own construction."""
    assert not HIDDEN.search(text)
    assert not BOT_COMMAND.search(text)
    rendered = Rendered(text)
    assert not rendered.open, "all tags are closed"
    assert not rendered.comments
    assert len(rendered.headlines) <= headlines
    assert all(HEADLINE.fullmatch(headline) for headline in rendered.headlines)
    for tag, attributes in rendered.tags:
        assert tag in TAGS, tag
        assert {(tag, name) for name in attributes} <= ATTRIBUTES
        assert tag != "a" or LINK.fullmatch(attributes["href"] or "")
    for part in rendered.texts:
        assert not LIVE.search(part.replace(head[:7], "HEAD") if head else part), part


def assert_requests(requests: Iterable[LogEntry], paths: set[str], signer: Signer, head: str) -> None:
    """All that GitHub was asked: reads of the repository, comments, and nothing that approves, merges or closes."""
    for entry in requests:
        if entry.path == "/graphql":
            assert "mutation" not in entry.body["query"]
        elif entry.method == "GET":
            assert READS.fullmatch(entry.path), entry.path
        else:
            assert_write(entry, paths, signer, head)


def assert_write(entry: LogEntry, paths: set[str], signer: Signer, head: str) -> None:
    """One comment or review: its fields, its place in the diff, its words."""
    assert entry.path.startswith("/repos/octo/demo/"), entry.path
    route = re.sub(r"\d+", "N", entry.path.removeprefix("/repos/octo/demo/"))
    assert entry.body.keys() <= WRITES[entry.method, route]
    assert entry.body.get("event", "COMMENT") == "COMMENT"
    assert entry.body.get("commit_id", head) == head
    if route == "pulls/N/reviews":
        assert re.fullmatch(rf"\d+ comments? on {head[:7]}\.", entry.body["body"])
    elif route.startswith("issues/") and "body" in entry.body:
        assert_body(entry.body["body"], signer, head=head, headlines=1)
    for comment in entry.body.get("comments", [entry.body] if "path" in entry.body else []):
        assert comment.keys() <= WRITES["POST", "pulls/N/comments"]
        assert comment["path"] in paths
        assert_body(comment["body"], signer, head=head)
        assert signer.parse(comment["body"], CommentMarker), "each comment has its marker"


def assert_log(log: str, paths: set[str]) -> int:
    """The job's log as the runner reads it: plain lines and our own annotations; how many of these."""
    annotations = 0
    for line in re.split(r"\r\n|\r|\n", log):
        assert line.isprintable(), line
        assert "##[" not in line
        if line.lstrip().startswith("::"):
            annotations += 1
            match = COMMAND_LINE.fullmatch(line)
            assert match, line
            properties = dict(pair.split("=", 1) for pair in match["properties"].split(","))
            assert properties.keys() <= {"title", "file", "line", "endLine"}
            assert all(properties.get(name, "1").isdigit() for name in ("line", "endLine"))
            assert "file" not in properties or unescape(properties["file"]) in paths
            assert unescape(match["message"]).isprintable() or "file" not in properties
    return annotations


def unescape(text: str) -> str:
    """A property's value as the runner takes it."""
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, char)
    return text


def read_outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT by the runner's rules: `name=value`, or `name<<delimiter` and lines up to the delimiter."""
    outputs: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if "=" in name or not heredoc:
            name, equals, value = line.partition("=")
            assert equals or not line, f"the runner fails on {line!r}"
            outputs[name] = value
        else:
            value_lines = []
            while (value_line := next(lines)) != delimiter:
                value_lines.append(value_line)
            outputs[name] = "\n".join(value_lines)
    return outputs


def assert_outputs(text: str) -> None:
    """Our outputs and no others, with values that steps can rely on."""
    for name, value in read_outputs(text).items():
        assert re.fullmatch(OUTPUTS[name], value), (name, value)


def assert_run_files(folder: Path) -> None:
    """The files of a run: known names, valid documents, inert text."""
    assert {path.name for path in folder.iterdir()} <= RUN_FILES
    validators = {
        "bundle.json": BUNDLE_SCHEMA,
        "review.json": REVIEW_SCHEMA,
        "posted.json": REVIEW_SCHEMA,
        "review.sarif": SARIF,
    }
    for name, validator in validators.items():
        if (folder / name).exists():
            validator.validate(json.loads((folder / name).read_bytes()))
    if (folder / "review.md").exists():
        assert_page((folder / "review.md").read_text("utf-8"))


def assert_page(markdown: str) -> None:
    """A report as a Markdown page, to be read anywhere: no link at all, no command to a bot."""
    assert not HIDDEN.search(markdown)
    assert not BOT_COMMAND.search(markdown)
    assert "<!--" not in markdown
    tags = {tag for tag, _ in Rendered(markdown).tags}
    assert tags <= TAGS - {"a", "details", "summary", "sub"} | {"h1", "h2", "blockquote"}


def assert_rdjson(text: str) -> None:
    """A valid DiagnosticResult with inert messages: reviewdog posts them."""
    RDJSON.validate(json.loads(text))
    for diagnostic in json.loads(text)["diagnostics"]:
        assert_markdown(diagnostic["message"], head="")


def assert_terminal(text: str) -> None:
    """Nothing in it can steer a terminal or hide from its reader: printable characters and ends of lines."""
    strange = {char for char in text if not (char.isprintable() or char == "\n")}
    assert not strange, sorted(map(ascii, strange))
