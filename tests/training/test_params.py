"""params.yaml: sections, defaults, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from reviewer.errors import UsageError
from training.anchors import AlignParams
from training.params import load_params


@dataclass(frozen=True, slots=True)
class SiftParams:
    min_length: int = 12
    languages: tuple[str, ...] = ()
    is_strict: bool = False


def load(tmp_path: Path, text: str) -> SiftParams:
    path = tmp_path / "params.yaml"
    path.write_text(text, "utf-8", newline="\n")
    return load_params(path, "sift", SiftParams)


def test_defaults() -> None:
    assert load_params(None, "sift", SiftParams) == SiftParams()


@pytest.mark.parametrize("text", ["", "# nothing\n", "filter:\n  a: 1\n", "sift:\n", "sift: {}\n"])
def test_a_file_without_the_section_gives_defaults(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == SiftParams()


def test_values(tmp_path: Path) -> None:
    text = "sift:\n  min_length: 3\n  languages: [C, Go]\n  is_strict: true\nglossator: 0.1.0\n"
    assert load(tmp_path, text) == SiftParams(3, ("C", "Go"), is_strict=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sift:\n  min_lenght: 3\n", "sift has no 'min_lenght'.\nDid you mean min_length?"),
        ("sift:\n  colour: 3\n", "sift has no 'colour'.\nIt knows min_length, languages, is_strict."),
        ("sift:\n  min_length: many\n", "Expected `int`, got `str` - at `$.min_length`"),
        ("sift:\n  min_length: 1.5\n", "Expected `int`, got `float`"),
        ("sift:\n  on: 1\n", "sift has no True"),
        ("filters:\n  min_words: 3\n", "params.yaml has no section 'filters'.\nDid you mean filter?"),
        (
            "training:\n",
            "has no section 'training'.\nIt knows glossator, collect, align, filter, split, dataset, sift.",
        ),
        ("1: {}\n", "has no section 1"),
        ("sift: 3\n", "sift is no mapping"),
        ("sift: [1]\n", "sift is no mapping"),
        ("- sift\n", "is no mapping of stages"),
        ("sift: {\n", "is not YAML"),
        ("sift: !!python/object:os.system {}\n", "is not YAML"),
        ("sift:\n  since: 2024-02-30\n", "is not YAML"),
        ("sift: " + "[" * 1000 + "\n", "is not YAML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert caught.value.what.startswith(str(tmp_path / "params.yaml"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("values", ["telling: -1", "context: -2"])
def test_align_looks_for_no_negative_number(tmp_path: Path, values: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"align: {{{values}}}")
    with pytest.raises(UsageError, match="Expected `int` >= 0"):
        load_params(path, "align", AlignParams)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*none\.yaml: No such file or directory"):
        load_params(tmp_path / "none.yaml", "sift", SiftParams)
    with pytest.raises(UsageError, match="Is a directory"):
        load_params(tmp_path, "sift", SiftParams)
    (tmp_path / "latin.yaml").write_bytes(b"sift: \xff\n")
    with pytest.raises(UsageError, match="is not YAML"):
        load_params(tmp_path / "latin.yaml", "sift", SiftParams)
