"""The files that make a folder a data pipeline of DVC: those of this package, with the user's repositories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from reviewer import __version__
from reviewer.errors import UsageError
from reviewer.jsonfile import replace_file
from training.collect_run import is_repo_name
from training.errors import refuse_write

PACKAGE: Final = Path(__file__).parent
AS_THEY_ARE: Final = ("dvc.yaml", ".dvcignore", ".gitignore", "opt-out.txt")
PARAMS: Final = "own_repository.yaml"


def write_starter(folder: Path, repos: Iterable[str], *, force: bool = False) -> list[Path]:
    """Write the files of the pipeline into a folder, which may be new.

    Args:
        folder: Where they go.
        repos: Repositories to collect, `owner/name`.
        force: Write over files that are there.

    Returns:
        What was written.

    Raises:
        UsageError: A repository's name is none, or files are there already. Then nothing was written.
        DataError: The folder cannot be written to.
    """
    texts = dict(render_starter(repos))
    paths = [folder / name for name in texts]
    if not force and (there := [path.name for path in paths if path.exists()]):
        raise UsageError(
            f"{folder} already holds {', '.join(there)}.", "Choose another folder, or --force to write over them."
        )
    for path in paths:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(path, texts[path.name].encode())
        except OSError as error:
            raise refuse_write(path, error) from error
    return paths


def render_starter(repos: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each file's name and its text."""
    names = list(dict.fromkeys(repos))
    if wrong := [name for name in names if not is_repo_name(name)]:
        raise UsageError(f"{wrong[0]!r} is no repository.", "Give it as OWNER/NAME.")
    for name in AS_THEY_ARE:
        yield name, (PACKAGE / name).read_text("utf-8")
    params = (PACKAGE / PARAMS).read_text("utf-8")
    yield "params.yaml", params.replace("VERSION", __version__).replace("OWNER/NAME", ", ".join(names))
