"""Cases to pull requests, by way of the product's own parser of diffs."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

import msgspec

from evals.case_files import unescape
from evals.case_format import Change, DirectionalCase, FileText, Invariance, Repeat, Rewrite
from evals.errors import EvalError
from reviewer.diff import parse_diff, parse_patch
from reviewer.domain import Bundle, ChangedFile, PullRequest
from reviewer.errors import SourceError

REPO = "octo/cases"


def build_bundle(change: Change, name: str) -> Bundle:
    """What the product gets of a change: a pull request without guidelines.

    Raises:
        EvalError: The change is no diff. `name` is the case's.
    """
    try:
        files = _read_files(change)
    except (SourceError, ValueError) as error:
        raise EvalError(f"The change of the case {name!r} is no diff: {error}", "Correct its lines.") from error
    return Bundle(
        PullRequest(
            repo=REPO,
            number=change.number,
            title=change.title,
            body=change.body,
            author=change.author,
            base_sha="b" * 40,
            head_sha="a" * 40,
            files=files,
        )
    )


def build_variant(case: Invariance) -> Bundle:
    """The second version of an invariance case.

    Raises:
        EvalError: It is no diff, or the variant changes nothing where it says that it does.
    """
    variant, change = case.variant, case.change
    for rewrite in variant.rewrite:
        before, change = change, _rewrite(change, rewrite)
        if before == change:
            raise EvalError(f"The case {case.name!r} replaces {rewrite.replace!r}, which is not there.", "Correct it.")
    new = {name: getattr(variant, name) for name in ("title", "body", "author", "number")}
    change = msgspec.structs.replace(change, **{name: value for name, value in new.items() if value is not None})
    bundle = build_bundle(change, case.name)
    files = bundle.pull_request.files
    if variant.order == "files-reversed":
        files = files[::-1]
    elif variant.order == "hunks-reversed":
        files = tuple(replace(file, hunks=file.hunks[::-1]) for file in files)
    return replace(bundle, pull_request=replace(bundle.pull_request, files=files))


def build_versions(case: DirectionalCase) -> tuple[Bundle, Bundle]:
    """The clean version of a directional case and the one with the fault.

    Raises:
        EvalError: One of them is no diff.
    """
    plant = case.plant
    clean = [file for file in case.change.files if file.only_in != "faulty"]
    faulty = [file for file in case.change.files if file.only_in != "clean"]
    if plant.clean:
        faulty = [
            msgspec.structs.replace(file, lines=file.lines.replace(plant.clean, plant.faulty))
            if file.path == plant.path
            else file
            for file in faulty
        ]
    first, second = (
        build_bundle(msgspec.structs.replace(case.change, files=tuple(files)), case.name) for files in (clean, faulty)
    )
    return first, second


def render_file(file: FileText) -> str:
    """One file as git shows its diff, the lengths of its hunks counted.

    Raises:
        ValueError: The lines do not begin with a hunk's head, or its first line is no number.
    """
    old, new = f"a/{file.path}", f"b/{file.path}"
    rows = [f"diff --git {old} {new}"]
    if file.status != "modified":
        rows.append(f"{'new' if file.status == 'added' else 'deleted'} file mode 100644")
    rows.append(f"--- {old if file.status != 'added' else '/dev/null'}")
    rows.append(f"+++ {new if file.status != 'removed' else '/dev/null'}")
    moved = 0
    for first, section, body in _split_hunks(file.lines):
        source, target = (sum(line[:1] not in other for line in body) for other in ("+\\", "-\\"))
        starts = first if source else first - 1, first + moved if target else first + moved - 1
        source_start, target_start = (0, first) if file.status == "added" else starts
        if file.status == "removed":
            target_start = 0
        rows.append(f"@@ -{source_start},{source} +{target_start},{target} @@ {section}".rstrip())
        rows += body
        moved += target - source
    return "\n".join(rows) + "\n"


def _split_hunks(text: str) -> list[tuple[int, str, list[str]]]:
    hunks: list[tuple[int, str, list[str]]] = []
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("@@ "):
            first, _, section = line.removeprefix("@@ ").partition(" ")
            hunks.append((int(first), section, []))
        elif not hunks:
            raise ValueError(f"{line!r} stands before the first hunk")
        elif line[:1] not in {"", " ", "+", "-", "\\"}:
            raise ValueError(f"{line!r} has no mark")
        else:
            hunks[-1][2].append(line or " ")
    return hunks


def _read_files(change: Change) -> tuple[ChangedFile, ...]:
    if change.patches:
        return tuple(
            parse_patch(
                patch.filename,
                unescape(patch.patch) if patch.patch and change.escapes else patch.patch,
                patch.status,
                patch.previous_filename,
                patch.changes,
            )
            for patch in change.patches
        )
    text = change.diff or "".join(map(render_file, change.files))
    if change.repeat:
        text = _render_repeat(change.repeat)
    text = unescape(text) if change.escapes else text
    return parse_diff(text.encode(change.encoding))


def _render_repeat(repeat: Repeat) -> str:
    files = []
    for file in range(1, repeat.files + 1):
        rows = ["@@ 1"]
        for time in range(1, repeat.times + 1):
            text = repeat.lines.replace("{file}", str(file)).replace("{time}", str(time))
            rows += [f"+{line}" for line in text.removesuffix("\n").split("\n")]
        files.append(FileText(repeat.path.replace("{file}", str(file)), "\n".join(rows), "added"))
    return "".join(map(render_file, files))


def _rewrite(change: Change, rewrite: Rewrite) -> Change:
    files = tuple(
        msgspec.structs.replace(file, lines=file.lines.replace(rewrite.replace, rewrite.with_))
        if rewrite.path in {"", file.path}
        else file
        for file in change.files
    )
    return msgspec.structs.replace(change, files=files)


def list_ids(bundle: Bundle) -> dict[str, str]:
    """The ids of the changed lines of each file that has some, in the order of the diff."""
    lines = [
        (file.path, line.id)
        for file in bundle.pull_request.files
        for hunk in file.hunks
        for line in hunk.lines
        if line.kind != " "
    ]
    return {path: " ".join(each for _, each in ids) for path, ids in groupby(lines, key=lambda entry: entry[0])}
