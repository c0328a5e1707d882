from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewer.context import MAX_READS, READ_LIMIT, BaseFiles, choose_guidelines
from reviewer.domain import ChangedFile, Guideline, Hunk, Line, ManifestEntry, PullRequest
from reviewer.excerpts import change_words, split_configuration, split_guide
from reviewer.guideline_files import choose_candidates
from reviewer.tokens import estimate_tokens

GUIDE = """\
# Contributing

Thanks for coming by!

## Installation

Run the tests with the security settings and never give up on errors.

```sh
pip install never-null-security
```

## Code style

- Never swallow an exception: log the error or raise it.
- Download code removes the partial file when its checksum is wrong.

```python
raise DownloadError(path)
```

## Where we met

In a bar by the sea, on a long evening.

## Tests

Every change of behaviour needs a test.

## License

By contributing you must accept that errors are yours, never ours.
"""


class FakeBaseFiles:
    """Files in memory that count how often they are asked."""

    def __init__(self, files: dict[str, str | None]) -> None:
        self.files = files
        self.listings = 0
        self.reads: list[str] = []

    def list_files(self) -> tuple[str, ...]:
        self.listings += 1
        return tuple(self.files)

    def read_file(self, path: str, limit: int) -> str | None:
        self.reads.append(path)
        text = self.files[path]
        return None if text is None else text[:limit]


def make_change(*paths: str, text: str = "download(checksum)") -> PullRequest:
    files = tuple(ChangedFile(path, "modified", (Hunk(path, "", 1, 1, (Line("+", text, None, 1),)),)) for path in paths)
    return PullRequest("o/r", 1, "", "", "a", "b", "h", files)


def choose(
    files: dict[str, str | None], *paths: str, budget: int = 1_000
) -> tuple[dict[str, str], dict[str, ManifestEntry]]:
    base: BaseFiles = FakeBaseFiles(files)
    guidelines, manifest = choose_guidelines(base, make_change(*(paths or ("src/a.py",))), budget)
    return {guideline.path: guideline.text for guideline in guidelines}, {entry.path: entry for entry in manifest}


def test_a_guide_is_cut_to_what_helps_a_review_in_its_own_order() -> None:
    texts, manifest = choose({"CONTRIBUTING.md": GUIDE})
    assert texts["CONTRIBUTING.md"] == (
        "# Code style\n"
        "- Never swallow an exception: log the error or raise it.\n"
        "- Download code removes the partial file when its checksum is wrong.\n"
        "raise DownloadError(path)\n"
        "# Tests\n"
        "Every change of behaviour needs a test."
    )
    entry = manifest["CONTRIBUTING.md"]
    assert (entry.tokens_used, entry.tokens_total) == (
        estimate_tokens(texts["CONTRIBUTING.md"]),
        estimate_tokens(GUIDE),
    )
    assert entry.reason == "contributor guide; 2 of 2 relevant parts"


def test_under_a_small_budget_the_part_about_the_change_stays() -> None:
    texts, manifest = choose({"CONTRIBUTING.md": GUIDE}, budget=60)
    assert "checksum" in texts["CONTRIBUTING.md"]
    assert "# Tests" not in texts["CONTRIBUTING.md"]
    assert manifest["CONTRIBUTING.md"].reason == "contributor guide; 1 of 2 relevant parts"


def test_without_a_budget_the_manifest_still_says_what_there_was() -> None:
    texts, manifest = choose({"CONTRIBUTING.md": GUIDE}, budget=0)
    assert texts == {}
    assert manifest["CONTRIBUTING.md"].tokens_used == 0
    assert "no room" in manifest["CONTRIBUTING.md"].reason


@pytest.mark.parametrize(
    ("path", "changed", "wanted"),
    [
        ("CONTRIBUTING.md", "a.py", True),
        ("contributing.rst", "a.py", True),
        (".github/CONTRIBUTING.md", "a.py", True),
        ("docs/STYLEGUIDE.md", "a.py", True),
        ("CODING_STYLE", "a.c", True),
        ("docs/code-review-checklist.md", "a.py", True),
        ("REVIEWING.md", "a.py", True),
        ("AGENTS.md", "a.py", True),
        ("src/deep/CLAUDE.md", "src/deep/down/a.py", True),
        ("src/other/CLAUDE.md", "src/deep/a.py", False),
        (".github/copilot-instructions.md", "a.py", True),
        (".github/instructions/python.instructions.md", "a.py", True),
        (".cursorrules", "a.py", True),
        (".github/PULL_REQUEST_TEMPLATE.md", "a.py", True),
        (".github/PULL_REQUEST_TEMPLATE/fix.md", "a.py", True),
        (".eslintrc.json", "a.ts", True),
        ("web/eslint.config.mjs", "web/src/a.tsx", True),
        (".eslintrc.json", "a.py", False),
        (".prettierrc", "a.css", True),
        ("checkstyle.xml", "src/A.java", True),
        ("config/checkstyle/checkstyle.xml", "src/A.java", True),
        ("spotbugs-exclude.xml", "src/A.java", True),
        (".editorconfig", "a.zig", True),
        ("pyproject.toml", "a.py", True),
        ("pyproject.toml", "a.go", False),
        (".flake8", "a.py", True),
        (".rubocop.yml", "a.rb", True),
        (".golangci.yaml", "a.go", True),
        ("clippy.toml", "a.rs", True),
        (".clang-tidy", "a.cpp", True),
        (".swiftlint.yml", "a.swift", True),
        ("detekt.yml", "a.kt", True),
        (".stylelintrc.json", "a.scss", True),
        (".markdownlint.json", "a.md", True),
        ("README.md", "a.py", False),
        ("src/style.py", "src/a.py", False),
        ("src/review.ts", "src/a.ts", False),
    ],
)
def test_which_files_are_candidates(path: str, changed: str, wanted: bool) -> None:
    chosen, left = choose_candidates([path], [changed], MAX_READS)
    assert ([candidate.path for candidate in chosen], left) == ([path] if wanted else [], [])


def test_one_listing_and_few_reads_nearest_first() -> None:
    folders = ["", *("/".join("abcdefgh"[: depth + 1]) + "/" for depth in range(8))]
    listing: dict[str, str | None] = {
        f"{folder}{name}": f"Never {folder} {name}"
        for folder in folders
        for name in ("AGENTS.md", "ruff.toml", ".flake8")
    }
    base = FakeBaseFiles(listing)
    _, manifest = choose_guidelines(base, make_change("a/b/c/d/e/f/g/h/x.py"), 10_000)
    assert base.listings == 1
    assert len(base.reads) == MAX_READS
    assert base.reads[:3] == ["a/b/c/d/e/f/g/h/AGENTS.md", "a/b/c/d/e/f/g/AGENTS.md", "a/b/c/d/e/f/AGENTS.md"]
    assert len(manifest) == len(listing)
    assert sum("not read" in entry.reason for entry in manifest) == len(listing) - MAX_READS


def test_instructions_count_for_the_files_that_they_apply_to() -> None:
    def instructions(globs: str) -> str:
        return f"---\ndescription: x\napplyTo: {globs}\n---\nNever ignore an error.\n"

    files: dict[str, str | None] = {
        ".github/instructions/py.instructions.md": instructions('"**/*.py,**/*.pyi"'),
        ".github/instructions/ts.instructions.md": instructions("'**/*.ts'"),
    }
    texts, manifest = choose(files)
    assert texts == {".github/instructions/py.instructions.md": "Never ignore an error."}
    assert manifest[".github/instructions/ts.instructions.md"].reason == "instructions; applies to other files"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read"),
        ("PNG\0\0", "cannot be read"),
        ("x" * (READ_LIMIT + 1), "cannot be read"),
        ("  \n", "empty"),
        ("../AGENTS.md", "a link to ../AGENTS.md"),
        ("Never ignore an error.", "the same text as AGENTS.md"),
        ("A poem about the sea.\n\nIt is blue.", "nothing in it is about this change"),
    ],
)
def test_what_cannot_help_is_in_the_manifest_with_its_reason(text: str | None, reason: str) -> None:
    texts, manifest = choose({"AGENTS.md": "Never ignore an error.", ".github/CONTRIBUTING.md": text})
    assert texts == {"AGENTS.md": "Never ignore an error."}
    assert reason in manifest[".github/CONTRIBUTING.md"].reason
    assert manifest[".github/CONTRIBUTING.md"].tokens_used == 0


def test_of_a_shared_file_only_the_linters_tables_count_and_comments_go() -> None:
    text = (
        '[project]\nname = "x"\n\n# lines\n[tool.ruff]\nline-length = 120  # wide\n[tool.ruff.lint]\nselect = ["#E"]\n'
        '[tool.poetry]\nversion = "1"\n[tool.mypy]\nstrict = true\n'
    )
    texts, _ = choose({"pyproject.toml": text})
    assert texts["pyproject.toml"] == (
        '[tool.ruff]\nline-length = 120\n[tool.ruff.lint]\nselect = ["#E"]\n[tool.mypy]\nstrict = true'
    )
    assert choose({"setup.cfg": "[metadata]\nname = x\n[flake8]\nmax-line-length = 99\n"})[0] == {
        "setup.cfg": "[flake8]\nmax-line-length = 99"
    }
    assert choose({"tox.ini": "[tox]\nenvlist = py\n"})[0] == {}


def test_comments_of_other_configurations_go_but_globs_stay() -> None:
    text = '/* rules */\n{\n  // why\n  "files": ["src/**/*.ts"], /* all */\n\n  "rules": {}\n}\n'
    assert [piece.text for piece in split_configuration(".eslintrc.json", text, frozenset())] == [
        '{\n  "files": ["src/**/*.ts"], /* all */\n  "rules": {}\n}'
    ]
    xml = "<module>\n<!-- two\nlines -->\n<x/>\n</module>\n"
    assert split_configuration("checkstyle.xml", xml, frozenset())[0].text == "<module>\n<x/>\n</module>"


def test_restructured_text_and_html_comments_are_understood() -> None:
    text = "Guide\n=====\n\n<!-- never -->\nStyle\n-----\nAvoid null.\n\nLicense\n-------\nAvoid null.\n"
    assert [(piece.heading, piece.text) for piece in split_guide(text, frozenset())] == [("Style", "Avoid null.")]


def test_a_long_section_is_cut_into_parts() -> None:
    rules = "\n".join(f"- Never do thing number {number} without a test." for number in range(100))
    pieces = split_guide(f"# Rules\n{rules}", frozenset())
    assert len(pieces) > 5
    assert all(estimate_tokens(piece.text) <= 180 for piece in pieces)
    assert "\n".join(piece.text for piece in pieces) == rules


def test_words_come_from_paths_languages_and_changed_lines() -> None:
    words = change_words(make_change("src/payments/refund.py", text="verifyChecksum(self, HTTP_ERROR)"))
    assert {"payment", "refund", "python", "verify", "checksum", "error"} <= words
    assert "self" not in words


@given(
    st.dictionaries(
        st.sampled_from(
            ["CONTRIBUTING.md", "AGENTS.md", "pyproject.toml", ".editorconfig", "a/STYLE.md", "docs/REVIEW.md"]
        ),
        st.none() | st.text(alphabet=st.one_of(st.sampled_from("# \n-*`<!>[]=;.\r\0"), st.characters()), max_size=300),
    ),
    st.integers(-5, 200),
)
def test_any_content_keeps_the_budget_and_is_accounted_for(files: dict[str, str | None], budget: int) -> None:
    guidelines, manifest = choose_guidelines(FakeBaseFiles(files), make_change("a/x.py"), budget)
    assert sorted(entry.path for entry in manifest) == sorted(files)
    assert sum(estimate_tokens(guideline.text) for guideline in guidelines) <= max(budget, 0)
    assert [entry.path for entry in manifest if entry.tokens_used] == [guideline.path for guideline in guidelines]
    assert all(isinstance(guideline, Guideline) and guideline.reason for guideline in guidelines)
