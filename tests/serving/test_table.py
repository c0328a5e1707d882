"""The page on serving has the table that the code makes."""

from __future__ import annotations

from pathlib import Path

from runners.serving.table import render_table

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


def test_the_page_has_the_table_of_the_code() -> None:
    shown = PAGE.read_text(encoding="utf-8").split("<!-- table -->\n")[1].split("\n<!-- end of the table -->")[0]
    assert shown.strip() == render_table(), "copy what runners.serving.table.render_table makes"
