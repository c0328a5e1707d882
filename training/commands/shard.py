"""The option `--shard K/N`: which part of the pull requests a command does."""

from __future__ import annotations

import re

import click


class Shard(click.ParamType[tuple[int, int]]):
    """`2/5` is part 2 of 5."""

    name = "K/N"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Which part, from 1, of how many."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", value)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is no part of a whole: 2/5 is part 2 of 5.", param, ctx)
        return int(found[1]), int(found[2])


SHARD = click.option("--shard", type=Shard(), default="1/1", show_default=True, help="Do part K of N.")
