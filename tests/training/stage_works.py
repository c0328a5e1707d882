"""Stages as small as can be, at the top of a module so that a worker process finds them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

from reviewer.errors import SourceError
from training.errors import DataError
from training.snapshot import Snapshot

COUNTED = "glossator/counted/1"


@dataclass(frozen=True, slots=True)
class Counted:
    repo: str
    number: int
    comments: int
    before: int = 0
    note: str = ""
    snapshot: str = ""


def count(snapshot: Snapshot, *before: Counted) -> Counted | None:
    """What happens is in the title."""
    if snapshot.title == "nothing":
        return None
    if snapshot.title == "source":
        raise SourceError("This is no diff.")
    if snapshot.title == "data":
        raise DataError("The record is odd.")
    if snapshot.title == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if snapshot.title == "slow":
        time.sleep(0.05)
    note = "" if snapshot.title != "long" else "x" * 1000
    return Counted(snapshot.repo, snapshot.number, len(snapshot.comments), sum(one.comments for one in before), note)
