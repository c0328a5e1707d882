"""A pull request as the text of its git diff: for those who cannot be handed `reviewer.domain`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reviewer.domain import ChangedFile, Hunk


def render_diff(files: Iterable[ChangedFile]) -> str:
    """The diff of all files that have a hunk. Blob names, modes and the mark of a missing last newline are not known.

    Paths stand as they are, in quotes where they hold a blank, a quote or a character that is no printable ASCII.
    """
    return "".join(f"{line}\n" for file in files if file.hunks for line in _render_file(file))


def _render_file(file: ChangedFile) -> Iterator[str]:
    old, new = quote_path(f"a/{file.previous_path or file.path}"), quote_path(f"b/{file.path}")
    yield f"diff --git {old} {new}"
    if file.status in {"added", "removed"}:
        yield f"{'new' if file.status == 'added' else 'deleted'} file mode 100644"
    if file.status == "renamed":
        yield f"rename from {quote_path(file.previous_path or file.path)}"
        yield f"rename to {quote_path(file.path)}"
    yield f"--- {'/dev/null' if file.status == 'added' else old}"
    yield f"+++ {'/dev/null' if file.status == 'removed' else new}"
    for hunk in file.hunks:
        yield from _render_hunk(hunk)


def _render_hunk(hunk: Hunk) -> Iterator[str]:
    removed = sum(line.kind != "+" for line in hunk.lines)
    added = sum(line.kind != "-" for line in hunk.lines)
    yield f"@@ -{hunk.source_start},{removed} +{hunk.target_start},{added} @@ {hunk.section}".rstrip()
    yield from (line.kind + line.text for line in hunk.lines)


def quote_path(path: str) -> str:
    """A path as git writes it in a diff: octal escapes in quotes for what is no printable ASCII."""
    if path.isascii() and path.isprintable() and not {'"', "\\"}.intersection(path):
        return path
    try:
        data = path.encode("utf-8", "surrogateescape")  # as Python reads bytes that are no UTF-8
    except UnicodeEncodeError:
        data = path.encode("utf-8", "surrogatepass")  # as JSON may hold halves of a pair
    return '"' + "".join(chr(byte) if _is_plain(byte) else f"\\{byte:03o}" for byte in data) + '"'


def _is_plain(byte: int) -> bool:
    return 0x20 <= byte < 0x7F and byte not in b'"\\'  # noqa: PLR2004 - printable ASCII
