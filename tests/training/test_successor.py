"""The hunk that holds the code of an outdated comment."""

from __future__ import annotations

from reviewer.domain import ChangedFile
from tests.test_locate import make_hunk
from training.anchors import Commented, parse_comment_hunk
from training.successor import find_successor

FILE = ChangedFile(
    "src/queue.py",
    "modified",
    (
        make_hunk("src/queue.py", [" import os", "+import queue"]),
        make_hunk("src/queue.py", [" def close(jobs):", "+    for job in jobs.pending():", "+        stop()"], 40, 41),
        make_hunk("src/queue.py", [" def size(jobs):", "-    return 0", "+    return len(jobs)"], 60, 63),
    ),
)


def commented(*rows: str) -> Commented:
    found = parse_comment_hunk("\n".join(["@@ -30,4 +30,5 @@", *rows]), "RIGHT")
    assert isinstance(found, Commented)
    return found


def test_code_that_was_changed_is_found_by_what_stayed() -> None:
    assert find_successor(commented(" def close(jobs):", "+    for job in list(jobs.pending()):"), FILE) == 1
    assert find_successor(commented(" def size(jobs):", "-    return 0"), FILE) == 2


def test_the_line_itself_decides_between_hunks_that_read_alike() -> None:
    twice = ChangedFile(
        "a.py",
        "modified",
        (
            make_hunk("a.py", [" def one(x):", " value = read(x)", "+return value"]),
            make_hunk("a.py", [" def one(x):", "+value = read(x)", " return value"], 20, 21),
        ),
    )
    assert find_successor(commented(" def one(x):", "+value = read(x)"), twice) == 1


def test_code_that_is_gone_has_no_hunk() -> None:
    assert find_successor(commented("+    socket.setblocking(False)", "+    socket.bind(address)"), FILE) is None
    assert find_successor(commented(" def close(jobs):", "+    stop()"), ChangedFile("src/queue.py", "removed")) is None
    assert find_successor(commented("+"), FILE) is None
