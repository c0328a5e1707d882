"""The salt that names are hashed with: one for all stages, or the same person would have two names."""

from __future__ import annotations

import os
from pathlib import Path


def read_salt(snapshots: Path) -> str:
    """What GLOSSATOR_NAME_SALT holds, empty without it.

    Raises:
        UsageError: The names in the folder are hashed with another salt.
    """
    from training.collect_state import STATE_NAME, FolderState, check_salt, load_state

    salt = os.environ.get("GLOSSATOR_NAME_SALT", "")
    check_salt(load_state(snapshots / STATE_NAME, FolderState()), salt, snapshots)
    return salt
