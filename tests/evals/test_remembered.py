"""Answers and results are remembered by all that they depend on."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from evals.content_store import ContentStore, content_key
from evals.errors import EvalError
from evals.remembered import RememberedModel
from reviewer.domain import ModelVersion
from reviewer.errors import ModelUnavailable
from reviewer.prompt import Prompt, Reply
from tests.fakes import FakeModel

PROMPT = Prompt("prefix", "hunk", {"type": "object"})
REPLY = Reply("{}", cut=True, prompt_tokens=9, cached_tokens=None, completion_tokens=2)


def ask(model: FakeModel, store: ContentStore, prompt: Prompt = PROMPT, settings: str = "") -> Reply:
    return asyncio.run(RememberedModel(model, store, settings).complete(prompt))


def test_an_answer_is_asked_for_once(tmp_path: Path) -> None:
    with ContentStore(tmp_path / "a.sqlite") as store:
        model = RememberedModel(FakeModel(REPLY, pause=0.01), store)
        asyncio.run(model.complete(PROMPT))
        first = model.take()
    with ContentStore(tmp_path / "a.sqlite") as store:
        again = RememberedModel(FakeModel(), store)
        assert asyncio.run(again.complete(PROMPT)) == REPLY
        second = again.take()
    assert (first.requests, first.remembered, second.requests, second.remembered) == (1, 0, 1, 1)
    assert second.seconds == first.seconds > 0, "the model's seconds, when it was asked"
    assert again.take().requests == 0, "counted from the last take"


@pytest.mark.parametrize(
    "other",
    [
        replace(PROMPT, prefix="other"),
        replace(PROMPT, hunk="other"),
        replace(PROMPT, prefix="prefixhunk", hunk=""),
        replace(PROMPT, schema={"type": "array"}),
        replace(PROMPT, max_tokens=9),
        replace(PROMPT, repair=("bad", "Again.")),
    ],
)
def test_another_prompt_is_asked(tmp_path: Path, other: Prompt) -> None:
    with ContentStore(tmp_path / "a.sqlite") as store:
        ask(FakeModel(REPLY), store)
        assert ask(FakeModel("new"), store, other).text == "new"


class Named(FakeModel):
    """A model of that name."""

    def __init__(self, version: ModelVersion, *replies: str) -> None:
        super().__init__(*replies)
        self.named = version

    @property
    def version(self) -> ModelVersion:
        return self.named


@pytest.mark.parametrize(
    "version", [ModelVersion("b", "1"), ModelVersion("a", "2"), ModelVersion("a", "1", adapter_digest="x")]
)
def test_another_model_is_asked(tmp_path: Path, version: ModelVersion) -> None:
    with ContentStore(tmp_path / "a.sqlite") as store:
        assert ask(Named(ModelVersion("a", "1"), "old"), store).text == "old"
        assert ask(Named(version, "new"), store).text == "new"
        assert ask(Named(ModelVersion("a", "1", alias="champion")), store).text == "old", "an alias changes no answer"


def test_another_server_is_asked(tmp_path: Path) -> None:
    with ContentStore(tmp_path / "a.sqlite") as store:
        ask(FakeModel(REPLY), store, settings="http://one")
        assert ask(FakeModel("new"), store, settings="http://two").text == "new"


def test_an_answer_of_another_form_is_asked_for_again(tmp_path: Path) -> None:
    answer = asdict(REPLY) | {"seconds": 1.5}
    others = ["", "[]", "3", "{}", "not JSON", *map(json.dumps, (asdict(REPLY), answer | {"text": 3}))]
    others += [json.dumps(answer | {"seconds": seconds}) for seconds in (-1, "long", None, float("inf"), 10**400)]
    with ContentStore(tmp_path / "a.sqlite") as store:
        for other in others:
            store.put_many({RememberedModel(FakeModel(), store).key(PROMPT): other})
            assert ask(FakeModel("new"), store).text == "new", other
            assert ask(FakeModel(), store).text == "new", "and that is remembered"


def test_bytes_that_are_no_utf_8_are_remembered(tmp_path: Path) -> None:
    with ContentStore(tmp_path / "a.sqlite") as store:
        assert ask(FakeModel("caf\udce9"), store) == ask(FakeModel(), store)


def test_failures_are_not_remembered(tmp_path: Path) -> None:
    with ContentStore(tmp_path / "a.sqlite") as store:
        model = RememberedModel(FakeModel(ModelUnavailable("Down."), REPLY), store)
        with pytest.raises(ModelUnavailable):
            asyncio.run(model.complete(PROMPT))
        assert asyncio.run(model.complete(PROMPT)) == REPLY
        asked = model.take()
    assert (asked.requests, [error.what for error in asked.failures]) == (2, ["Down."])


def test_a_check_is_never_remembered(tmp_path: Path) -> None:
    fake = FakeModel("Rain.", "Rain.")
    with ContentStore(tmp_path / "a.sqlite") as store:
        model = RememberedModel(fake, store)
        asyncio.run(model.check())
        asyncio.run(model.check())
        assert (len(fake.prompts), model.take().requests) == (2, 0)


def test_keys_tell_parts_apart() -> None:
    assert content_key("ab", "c") != content_key("a", "bc") != content_key("abc")
    assert content_key("caf\udce9") == content_key("caf\udce9")


def test_more_keys_than_one_question_takes(tmp_path: Path) -> None:
    with ContentStore(tmp_path / "a.sqlite") as store:
        store.put_many({str(number): f"value {number}" for number in range(1300)})
        found = store.get_many(str(number) for number in range(-5, 1300))
        assert len(found) == 1300
        assert (store.get("7"), store.get("-5")) == ("value 7", None)


def _write(path: Path, start: int) -> None:
    with ContentStore(path) as store:
        for number in range(start, start + 20):
            store.put_many({str(number): "x"})


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write, args=(tmp_path / "a.sqlite", start)) for start in (0, 20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    with ContentStore(tmp_path / "a.sqlite") as store:
        assert len(store.get_many(map(str, range(40)))) == 40


def test_a_file_that_is_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, words = tmp_path / "a.sqlite", "not a database, only words " * 50
    path.write_text(words)
    with ContentStore(path) as store:
        store.put_many({"x": "y"})
    assert "a.sqlite is damaged" in capsys.readouterr().err
    with ContentStore(path) as store:
        assert store.get("x") == "y"
    assert (tmp_path / "a.sqlite.damaged").read_text() == words, "somebody may miss it"
    assert capsys.readouterr().err == ""
    with pytest.raises(EvalError, match="Cannot use") as caught:
        ContentStore(tmp_path / "a.sqlite" / "below")
    assert "remove it" in caught.value.hint


def test_a_database_with_a_damaged_page_is_begun_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.sqlite"
    with ContentStore(path) as store:
        store.put_many({str(number): "x" * 50 for number in range(2000)})
    data = path.read_bytes()
    path.write_bytes(data[:8192] + b"\xff" * (len(data) - 8192))
    with ContentStore(path) as store:
        assert store.get("7") is None
        store.put_many({"7": "new"})
        assert store.get_many(["7", "8"]) == {"7": "new"}
    assert "is damaged" in capsys.readouterr().err


def test_a_database_that_breaks_later(tmp_path: Path) -> None:
    with ContentStore(tmp_path / "a.sqlite") as store:
        with sqlite3.connect(tmp_path / "a.sqlite") as other:
            other.execute("DROP TABLE results")
        other.close()
        with pytest.raises(EvalError, match="Cannot use"):
            store.get("x")
        with pytest.raises(EvalError, match="Cannot use"):
            store.put_many({"x": "y"})
