"""Files for both sides of a diff: a base and a head between which git finds that diff again.

Only what the hunks show is known of a file. The lines between them are filled with lines that stand nowhere else, so
that every line keeps its number and git can match nothing but what was there.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reviewer.diff_header import SUBMODULE_MODE, SYMLINK_MODE, Header, read_header
from reviewer.diff_hunks import Span, read_spans, split_lines
from reviewer.errors import SourceError
from simulation.github_server.git_store import Content, Executable, GitError, GitStore, Submodule, Symlink

MAX_LINES = 200_000
"""Lines of one rebuilt file. Most of them would be filler."""
FUNCTION = re.compile(r"[A-Za-z_$]")
"""How a line begins that git takes for the heading of a hunk."""
SUBMODULE = re.compile(rb"Subproject commit ([0-9a-f]{40})(?:-dirty)?\n?")
CONTEXT = 3
"""Lines of context around a change."""
PLAIN_MODE = "100644"
KEEP = ".gitkeep"
"""A file on both sides, so that neither is empty."""
ROUNDS = 12
"""How often other lines are put between the hunks, until git finds the diff's own hunks."""
LARGE = 5000
"""Lines of one file's hunks. For such a file only one other filling is tried: git takes its time with it."""
TAIL = 400
"""Lines behind the last hunk, where the file may go on. They change nothing but how common a line is."""


class CannotRebuild(Exception):
    """A diff from which no repository can be made. The text is the reason, in a few words."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The files of both sides, as `GitStore.commit` takes them."""

    base: dict[str, Content]
    head: dict[str, Content]

    @property
    def change(self) -> dict[str, Content]:
        """What turns the base into the head: the head's files, and None for those that go."""
        return {**dict.fromkeys(sorted(self.base.keys() - self.head.keys())), **self.head}


@dataclass(frozen=True, slots=True)
class Changed:
    """What has to be the same of a changed file in both diffs."""

    previous: str | None
    modes: tuple[str, ...]
    binary: bool
    hunks: list[tuple[int, int, list[str]]]

    @property
    def size(self) -> int:
        """Lines of all hunks."""
        return sum(len(body) for _, _, body in self.hunks)


@dataclass(slots=True)
class Text:
    """One side of a file, as far as it is built. `open_end`: its last line has no newline."""

    lines: list[str] = field(default_factory=list)
    open_end: bool = False

    def encode(self) -> bytes:
        end = "\n" if self.lines and not self.open_end else ""
        return ("\n".join(self.lines) + end).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Filler:
    """What stands between the hunks of one file: lines of its own, and from the second attempt on lines that it has."""

    mark: str
    pool: Sequence[str]
    attempt: int

    def choose_lines(self, start: int, end: int) -> list[str]:
        """The lines from index `start` to `end`. The same for everyone who asks."""
        unique = [f". {number} {self.mark}" for number in range(start, end)]
        if not self.attempt:
            return unique
        dice = random.Random(f"{self.mark} {self.attempt} {start}")  # not for secrets: for the same lines each time
        share = (0.3, 0.6, 0.9)[self.attempt // 3 % 3]
        return [dice.choice(self.pool) if dice.random() < share else line for line in unique]


def choose_pool(lines: list[str], spans: list[Span], attempt: int) -> list[str]:
    """The lines that a file has, or only those without a word: blank ones, brackets."""
    known = [line[1:] for span in spans for line in lines[span.start : span.end] if line[:1] != "\\"]
    plain = [line for line in known if not re.search(r"\w", line)] if attempt % 3 == 1 else []
    return plain or known


def rebuild(diff: str, attempts: Mapping[str, int] | None = None) -> Rebuilt:
    """Both sides of a three-dot diff. `attempts` choose what stands between the hunks of each file, by `name_file`.

    Files that are not among the attempts, where they are given, are left out.

    Raises:
        CannotRebuild: The diff is damaged, or its hunks do not fit together.
    """
    rebuilt = Rebuilt({}, {})
    try:
        for header, lines, spans in read_sections(split_lines(diff)):
            attempt = 0 if attempts is None else attempts.get(name_file(header))
            if attempt is None:
                continue
            check_path(header.path)
            check_path(header.previous_path or header.path)
            old, new = build_contents(header, lines, spans, attempt)
            if header.status != "added":
                rebuilt.base[header.previous_path or header.path] = wrap(old, choose_mode(header, old=True))
            if header.status != "removed":
                rebuilt.head[header.path] = wrap(new, choose_mode(header, old=False))
    except SourceError as error:
        raise CannotRebuild("the diff is damaged") from error
    return rebuilt


def check_path(path: str) -> None:
    """Refuse what no git tree may hold.

    Raises:
        CannotRebuild: The path leads out of the repository, or into git's own folder.
    """
    if {part.lower() for part in path.split("/")} & {"", ".", "..", ".git"}:
        raise CannotRebuild("a path that no repository has")


def read_sections(lines: list[str]) -> Iterator[tuple[Header, list[str], list[Span]]]:
    """Each file's header and hunks, with the lines of the whole diff that their places are in."""
    at = 0
    while at < len(lines):
        header = read_header(lines, at)
        if header is None:
            at += 1
            continue
        spans = read_spans(lines, header.end)
        yield header, lines, spans
        at = spans[-1].end if spans else header.end


def choose_mode(header: Header, *, old: bool) -> str:
    """The mode of a file on one side, in git's octal digits."""
    names = ("old mode", "deleted file mode") if old else ("new mode", "new file mode")
    found = next((header.fields[name] for name in names if name in header.fields), "")
    return found or header.fields.get("index", "").partition(" ")[2] or PLAIN_MODE


def wrap(content: bytes, mode: str) -> Content:
    """A file's bytes as a file of that mode."""
    if mode == SYMLINK_MODE:
        return Symlink(content.decode("utf-8", "replace").removesuffix("\n"))
    if mode == SUBMODULE_MODE:
        found = SUBMODULE.fullmatch(content)
        if found is None:
            raise CannotRebuild("a submodule names no commit")
        return Submodule(found[1].decode())
    return Executable(content) if mode == "100755" else content


def build_contents(header: Header, lines: list[str], spans: list[Span], attempt: int) -> tuple[bytes, bytes]:
    """A file before and after."""
    mark = hashlib.sha256(header.path.encode("utf-8", "replace")).hexdigest()[:12]
    if not spans:
        return build_without_hunks(header, mark)
    mark = mark.ljust(choose_width(header, lines, spans), ".")
    filler = Filler(mark, choose_pool(lines, spans, attempt), attempt)
    old, new = Text(), Text()
    for span in spans:
        add_hunk(old, new, lines[span.start : span.end], span, filler)
    last = lines[spans[-1].start : spans[-1].end]
    if attempt and [line[:1] or " " for line in last[-CONTEXT:]] == [" "] * CONTEXT:
        tail = filler.choose_lines(len(old.lines), len(old.lines) + TAIL)
        old.lines += tail
        new.lines += tail
    return old.encode(), new.encode()


def build_without_hunks(header: Header, mark: str) -> tuple[bytes, bytes]:
    """A binary file, an empty one, or one of which only the name or the mode changes."""
    if "Binary files" in header.fields or "GIT binary patch" in header.fields:
        same = b"\0" + mark.encode() * 100
        return same + b"old", same + b"new"
    if header.status in ("added", "removed"):
        return b"", b""
    same = "".join(f"{mark} {number}\n" for number in range(20)).encode()
    return same, same


def choose_width(header: Header, lines: list[str], spans: list[Span]) -> int:
    """How wide filler is. That of a renamed file outweighs what is known of it, so that git still sees one file."""
    unknown = sum(max(gap, 0) for gap in find_gaps(lines, spans))
    if header.status != "renamed" or not unknown:
        return 0
    known = sum(len(line) + 1 for span in spans for line in lines[span.start : span.end])
    return 2 * known // unknown + 1


def find_gaps(lines: list[str], spans: list[Span]) -> Iterator[int]:
    """How many lines are not shown before each hunk."""
    end = 1
    for span in spans:
        yield span.source_start - end
        end = span.source_start + count_lines(lines[span.start : span.end], "-")


def count_lines(body: list[str], kind: str) -> int:
    """The lines of a hunk on one side, `-` or `+`. An empty line is an empty line of context."""
    return sum(line[:1] in (kind, " ", "") for line in body)


def add_hunk(old: Text, new: Text, body: list[str], span: Span, filler: Filler) -> None:
    """Continue both sides down to the end of a hunk.

    Raises:
        CannotRebuild: The hunk does not begin where both sides can reach.
    """
    before_old = span.source_start - (count_lines(body, "-") > 0)
    before_new = span.target_start - (count_lines(body, "+") > 0)
    gap = before_old - len(old.lines)
    if gap < 0 or gap != before_new - len(new.lines) or (gap and (old.open_end or new.open_end)):
        raise CannotRebuild("the hunks do not fit together")
    if before_old > MAX_LINES:
        raise CannotRebuild("a file is too long")
    unknown = filler.choose_lines(len(old.lines), before_old)
    if unknown and FUNCTION.match(span.section):
        unknown[-1] = span.section
    old.lines += unknown
    new.lines += unknown
    add_body(old, new, body)


def add_body(old: Text, new: Text, body: list[str]) -> None:
    """The lines of a hunk, each on its sides."""
    sides: tuple[Text, ...] = ()
    for line in body:
        kind = line[:1] or " "
        if kind == "\\":
            for side in sides:
                side.open_end = True
            continue
        sides = {"-": (old,), "+": (new,)}.get(kind, (old, new))
        for side in sides:
            side.lines.append(line[1:])


def rebuild_exactly(diff: str, store: GitStore) -> Rebuilt:
    """Both sides, so that git finds the diff's own hunks between them. `store` gets commits that belong to no branch.

    Which of several shortest diffs git finds hangs on lines that the diff does not show: how common a line is, and
    what else could match it. So files for which it finds another are filled in other ways, a bounded number of times.

    Raises:
        CannotRebuild: The diff is damaged, git refuses its paths, or finds other hunks whatever stands in between.
    """
    rebuilt = rebuild(diff)
    wanted = describe(diff)
    wrong = find_wrong(rebuilt, wanted, store)
    if not wrong:
        return rebuilt
    attempts = dict.fromkeys(wanted, 0)
    for attempt in range(1, ROUNDS):
        attempts.update(dict.fromkeys(wrong, attempt))
        wrong &= find_wrong(rebuild(diff, dict.fromkeys(wrong, attempt)), wanted, store)
        if not wrong or any(wanted[name].size > LARGE for name in wrong):
            break
    rebuilt = rebuild(diff, attempts)
    if wrong or find_wrong(rebuilt, wanted, store):
        raise CannotRebuild("git finds other hunks")
    return rebuilt


def find_wrong(rebuilt: Rebuilt, wanted: Mapping[str, Changed], store: GitStore) -> set[str]:
    """The files of which git finds other hunks than wanted."""
    found = describe(find_diff(rebuilt, store))
    return {name for name in wanted.keys() | found.keys() if found.get(name) != wanted.get(name)} & wanted.keys()


def find_diff(rebuilt: Rebuilt, store: GitStore) -> str:
    """What git finds between both sides.

    Raises:
        CannotRebuild: Git does not take them.
    """
    try:
        store.commit_pair({**rebuilt.base, KEEP: ""}, rebuilt.change)
    except (GitError, UnicodeEncodeError) as error:  # a path that is no text
        raise CannotRebuild("git refuses its files") from error
    return store.run("diff", "--no-color", "--no-ext-diff", "-M", "refs/pair/base", "refs/pair/head").decode(
        "utf-8", "replace"
    )


def name_file(header: Header) -> str:
    """A changed file's name. One that becomes a link is removed and added under one path."""
    return f"{header.status} {header.path}"


def describe(diff: str) -> dict[str, Changed]:
    """The changed files by `name_file`. The headings of hunks may differ."""
    return {
        name_file(header): Changed(
            header.previous_path,
            tuple(sorted(header.modes - {"", PLAIN_MODE})),
            "Binary files" in header.fields,
            list_hunks(lines, spans),
        )
        for header, lines, spans in read_sections(split_lines(diff))
    }


def list_hunks(lines: list[str], spans: list[Span]) -> list[tuple[int, int, list[str]]]:
    """Where each hunk begins, and its lines with the marks of a missing newline."""
    return [
        (span.source_start, span.target_start, [line or " " for line in lines[span.start : span.end]]) for span in spans
    ]
