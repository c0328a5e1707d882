from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewer.loose_json import read_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
).filter(lambda value: isinstance(value, dict | list))
PROSE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<[{")).map(lambda text: text + "\n")


def trailing_comma(text: str) -> str:
    return text if text in {"{}", "[]"} else text[:-1] + "," + text[-1]


@given(DOCUMENTS, st.booleans(), PROSE)
def test_a_document_survives_its_wrapping(document: object, ascii_only: bool, prose: str) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    wrapped = [
        text,
        f"\ufeff{text}",
        f"```json\n{text}\n```",
        f'<think>{prose}{{"a": [</think>{text}',
        f"{prose}{text}\n{prose}",
        trailing_comma(text),
        json.dumps(document, indent=2, ensure_ascii=ascii_only),
        f"/* c */ {trailing_comma(text)} // c",
    ]
    for each in wrapped:
        found = read_json(each)
        assert found.broken is None
        assert found.values == (document,)


@given(st.dictionaries(st.text(min_size=1), SCALARS, min_size=1))
def test_a_python_literal_is_read_as_python_reads_it(document: dict[str, object]) -> None:
    assert read_json(repr({**document, "end": [None, True, 1.5]})).values == ({**document, "end": [None, True, 1.5]},)


HARD = {
    "open brackets": "[" * 190_000,
    "open objects": '{"a":' * 38_000,
    "open keys": '{"' * 90_000,
    "inner quotes": '{"a":"' + '"x ' * 60_000,
    "open comments": "{a/*" * 45_000,
    "slashes": '{"a":"b"//' * 19_000,
    "prose": "(x[i] {y} " * 19_000,
    "lists of quotes": '["a' * 60_000,
    "spaces": "{" + " " * 190_000,
    "thinking": "<think>" * 27_000,
    "commas": '{"a":"' + '","' * 60_000,
    "too long": "{}" * 500_000,
}


@pytest.mark.parametrize("name", HARD)
def test_hard_texts_take_bounded_time(name: str) -> None:
    started = time.monotonic()
    read_json(HARD[name])
    assert time.monotonic() - started < 2
