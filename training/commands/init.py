"""`glossator-train init`."""

from __future__ import annotations

from pathlib import Path

import click

NEXT = """Wrote {files} into {folder}.

Then, in that folder:
  pip install 'glossator[data,dvc]'
  dvc init --subdir                               # not if the repository has DVC already
  dvc config core.analytics false
  dvc remote add --default storage s3://BUCKET/PATH
  dvc remote modify storage endpointurl https://ADDRESS   # any S3-compatible store
  dvc repro                                       # collect, align, filter, split, dataset
  git add --all . && git commit -m "Build the dataset" && dvc push"""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "--repo",
    "repos",
    multiple=True,
    required=True,
    envvar="GITHUB_REPOSITORY",
    metavar="OWNER/NAME",
    help="Repository to learn from; may be given again.",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
def command(folder: Path, repos: tuple[str, ...], *, force: bool) -> None:
    """Put the data pipeline into FOLDER: dvc.yaml, params.yaml, opt-out.txt, .gitignore and .dvcignore.

    It changes no other file, and none that is there without --force.
    """
    from training.starter import write_starter

    written = write_starter(folder, repos, force=force)
    click.echo(NEXT.format(files=", ".join(path.name for path in written), folder=folder))
