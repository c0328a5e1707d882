"""What the command writes: to the terminal, to a file, and what it says when that fails."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import click

from reviewer.errors import UsageError


def prepare_streams() -> None:
    """Let no character of the diff that the terminal's encoding lacks end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write(text: str, *, color: bool = False) -> None:
    """Write to standard output, at least one line end at the end.

    Raises:
        UsageError: It cannot be written, as on a full disk. That a reader leaves early, as `head` does, is no error.
    """
    try:
        click.echo(text, nl=not text.endswith("\n"), color=color)
    except BrokenPipeError:
        silence(sys.stdout)
    except OSError as error:
        silence(sys.stdout)
        raise UsageError(f"Cannot write to standard output: {error.strerror}.", "Make room there.") from None


def silence(stream: object) -> None:
    """Send what Python still holds back for a broken stream nowhere, or it complains about it at exit."""
    if isinstance(stream, io.TextIOWrapper):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def check_output(path: Path | None) -> None:
    """Refuse, before the model works for minutes, a file that could not be written then."""
    if path is None or (path.exists() and not path.is_dir() and os.access(path, os.W_OK)):
        return
    folder = path.absolute().parent
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Name a file in it.")
    if not folder.is_dir():
        raise UsageError(f"Cannot write {path}: there is no folder {folder}.", "Make it first, or choose another.")
    if path.exists() or not os.access(folder, os.W_OK):
        raise UsageError(f"Cannot write {path}: permission denied.", "Choose a file that you may write.")


def save_text(text: str, path: Path) -> None:
    """Write a file, whole or not at all; when that fails the text goes to standard output, for it was dear.

    Raises:
        UsageError: The file cannot be written.
    """
    from reviewer.jsonfile import replace_file

    try:
        replace_file(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        write(text)
        hint = "The review is on standard output instead."
        raise UsageError(f"Cannot write {path}: {error.strerror}.", hint) from None


def say_error(text: str) -> None:
    """Say on standard error what went wrong: every line in full, none of them able to steer the terminal."""
    from reviewer.report_lines import clean

    click.echo("glossator: " + "\n".join(map(clean, text.splitlines())), err=True)
