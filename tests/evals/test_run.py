"""The product as a candidate, and the command that runs it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from evals.commands.run import command
from evals.content_store import ContentStore
from evals.errors import EvalError
from evals.held_out import HeldOut, HeldOutSet, Key
from evals.predictions import Anchors, Predicted, Prediction, RunFolder, list_changed, list_hunks
from evals.remembered import RememberedModel
from evals.run import ReviewerCandidate, give_locator, locate_hunks, score_places
from reviewer.errors import LocatorError, ModelError, ModelRefused, ModelUnavailable, UsageError
from reviewer.locator import SHIPPED, load_locator
from reviewer.prompt import Reply
from reviewer.settings import Settings
from tests.evals.small_sets import APP, MAIN, README, TEST, hold_out, write_set
from tests.fakes import NOTHING, FakeModel, make_reply
from tests.model_server import ModelServer
from tests.model_server.faults import BY_NAME
from tests.model_server.models import careful_model, empty_model

DOWN = ModelUnavailable("The server does not answer.", "Start it.")
LONG = ModelRefused("The prompt is too long.")
PROSE = "I like this change."
HELD = hold_out(1, APP)
"""Two hunks, around R5 and R30."""
ONE_AT_A_TIME = Settings(concurrency=1)


def test_the_locator_that_is_given_is_the_one_that_is_judged(tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    given.write_bytes(SHIPPED.read_bytes())
    wanted, version = give_locator(HeldOutSet("small", (HELD,)), given)
    assert version == load_locator().version
    assert wanted.pull_requests[0].bundle.locator == SHIPPED.read_text(encoding="utf-8")
    for encoding in ("utf-8-sig", "utf-16"):
        given.write_text(SHIPPED.read_text(encoding="utf-8"), encoding=encoding)
        with pytest.raises(LocatorError):
            give_locator(wanted, given)


def test_a_run_says_which_locator_it_is_of(tmp_path: Path) -> None:
    model = RememberedModel(FakeModel(), ContentStore(tmp_path / "answers.sqlite"))
    assert ReviewerCandidate("fake", model, Settings()).run.settings["locator"] == load_locator().version
    assert ReviewerCandidate("fake", model, Settings(), locator="abc").run.settings["locator"] == "abc"


def predict(
    tmp_path: Path, *replies: str | Reply | Exception, held: HeldOut = HELD, **settings: Any
) -> tuple[Prediction, FakeModel]:
    model = FakeModel(*replies)
    with ContentStore(tmp_path / "answers.sqlite") as store:
        candidate = ReviewerCandidate("tiny", RememberedModel(model, store), replace(ONE_AT_A_TIME, **settings), "demo")
        return asyncio.run(candidate.predict(held)), model


def finding(line: str, quote: str, message: str = "This breaks.", **fields: str) -> dict[str, str]:
    return {"line": line, "quote": quote, "message": message, **fields}


def test_a_review_becomes_a_prediction(tmp_path: Path) -> None:
    first = make_reply(finding("R5", "new 5", "Fails at the end.", severity="error"))
    second = make_reply(finding("R30", "new 30", "Wrong for no lines.", suggestion="newer 30"))
    prediction, _ = predict(tmp_path, Reply(first, prompt_tokens=9, completion_tokens=2), Reply(second), max_comments=1)
    posted, over = prediction.comments
    assert (posted.line, posted.posted, over.line, over.posted) == (5, True, 30, False), "best first, budget of one"
    assert posted.score > over.score
    assert (over.body, over.suggestion) == ("Wrong for no lines.", "newer 30")
    assert prediction.key == ("octo/demo", 1)
    assert prediction.shown == HELD.digest
    assert (prediction.status, prediction.asked, prediction.unreadable, prediction.requests) == ("reviewed", 2, 0, 2)
    assert prediction.prompt_tokens is None, "one answer does not say"
    assert prediction.anchors == Anchors(exact=2)


def test_anchors_count_what_became_of_the_places(tmp_path: Path) -> None:
    exact = finding("R5", "new 5", "Wrong for no lines.")
    moved = finding("R29", "new 30", "Fails at the end of it.")
    lost = finding("R30", "not there at all", "Nobody knows where this is.")
    prediction, _ = predict(tmp_path, make_reply(exact), make_reply(moved, lost))
    assert prediction.anchors == Anchors(exact=1, moved=1, lost=1)


def test_unreadable_answers_are_the_models_own_doing(tmp_path: Path) -> None:
    prediction, model = predict(tmp_path, PROSE, PROSE, PROSE, make_reply(finding("R30", "new 30")))
    assert len(model.prompts) == 4
    assert (prediction.asked, prediction.unreadable, prediction.repaired, prediction.status) == (2, 1, 2, "partial")
    assert prediction.drops == {"unreadable-reply": 1}
    assert len(prediction.comments) == 1


def test_a_model_that_is_away_makes_no_prediction(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="does not answer"):
        predict(tmp_path, NOTHING, DOWN)


def test_an_answer_before_the_model_went_away_is_remembered(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable):
        predict(tmp_path, NOTHING, DOWN)
    _, model = predict(tmp_path, NOTHING)
    assert len(model.prompts) == 1, "the second only"


def test_a_prompt_that_is_refused_is_the_models_own_doing(tmp_path: Path) -> None:
    prediction, _ = predict(tmp_path, NOTHING, LONG)
    assert (prediction.status, prediction.unreadable, prediction.drops) == ("partial", 1, {"model-failed": 1})


def test_when_all_is_refused_the_model_is_asked_something_plain(tmp_path: Path) -> None:
    prediction, model = predict(tmp_path, LONG, LONG, "Rain falls.")
    assert prediction.status == "not-reviewed"
    assert "rain" in model.prompts[-1].hunk
    with pytest.raises(ModelRefused, match="token ran out"):
        predict(tmp_path / "other", LONG, LONG, ModelRefused("The token ran out."))


def test_the_run_says_what_shapes_a_review() -> None:
    candidate = ReviewerCandidate("tiny", FakeModel(), Settings(exclude=("docs/*",)), "demo")  # type: ignore[arg-type]
    run = candidate.run
    assert (run.candidate, run.kind, run.model.name, run.dataset) == ("tiny", "reviewer", "fake", "demo")
    assert run.settings["exclude"] == ["docs/*"]
    assert run.settings["concurrency"] == Settings().concurrency, "seconds depend on it"
    assert "timeout" not in run.settings, "it shapes no review"


def test_places_are_scored_as_the_product_shows_them() -> None:
    held = hold_out(1, APP, TEST, README)
    scores = locate_hunks(held, Settings(exclude=("README.md",)))
    assert scores[3] == -1.0, "what the settings leave out"
    assert min(scores[:2]) > scores[2] > 0, "product code before tests"
    comments = [
        Predicted("tests/test_app.py", "RIGHT", 10, None, "", 0.5),
        Predicted("app.py", "RIGHT", 31, 30, "", 0.9, posted=False),
    ]
    hunks, lines = score_places(held, comments, scores)
    assert sorted(range(4), key=lambda at: -hunks[at]) == [2, 1, 0, 3]
    assert len(hunks) == len(list_hunks(held))
    ranked = sorted(zip(lines, list_changed(held), strict=True), key=lambda entry: -entry[0])
    assert [(hunk.path, line.id) for _, (_, hunk, line) in ranked[:2]] == [
        ("tests/test_app.py", "R10"),
        ("app.py", "R30"),
    ]


def invoke(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    write_set(tmp_path / "set.jsonl", [hold_out(1, APP), hold_out(2, MAIN), hold_out(3, TEST, README)])
    return tmp_path / "set.jsonl"


def test_a_rerun_into_another_folder_asks_for_nothing_again(tmp_path: Path, held_out: Path) -> None:
    with ModelServer() as server:
        for name in ("one", "two"):
            words = ("--held-out", held_out, "--endpoint-url", server.url, "--answers", tmp_path / "a.sqlite")
            result = invoke("--out", tmp_path / name, *words)
            assert result.exit_code == 0, result.output
        assert len(server.posts) == 2 + 5, "a look at who answers for each run, and five pieces once"
    one, two = (tmp_path / name for name in ("one", "two"))
    assert (one / "predictions.jsonl").read_bytes() == (two / "predictions.jsonl").read_bytes()
    run = json.loads((one / "run.json").read_text())
    assert run["candidate"] == run["model"]["name"] == "acme/reviewer-1b", "as the server calls it"
    assert len(RunFolder(one).load_predictions()["octo/demo", 3].comments) == 2
    assert "3/3  octo/demo#3  reviewed, 2 comments" in result.stderr
    assert server.url not in (one / "run.json").read_text()


def test_answers_of_another_server_are_not_taken(tmp_path: Path, held_out: Path) -> None:
    found: list[dict[Key, Prediction]] = []
    for model in (careful_model, empty_model):
        with ModelServer(model) as server:
            words = ("--held-out", held_out, "--endpoint-url", server.url, "--answers", tmp_path / "a.sqlite")
            assert invoke("--out", tmp_path / str(len(found)), *words, "--candidate", "x").exit_code == 0
        found.append(RunFolder(tmp_path / str(len(found))).load_predictions())
    assert any(prediction.comments for prediction in found[0].values())
    assert not any(prediction.comments for prediction in found[1].values())


def test_a_run_is_no_mixture_of_two_servers(tmp_path: Path, held_out: Path) -> None:
    words = ("--held-out", held_out, "--out", tmp_path / "run", "--candidate", "x")
    for limit in (1, 0):
        with ModelServer() as server:
            result = invoke(*words, "--endpoint-url", server.url, "--limit", limit)
    assert isinstance(result.exception, EvalError)
    assert "at another server" in result.exception.what
    assert len(RunFolder(tmp_path / "run").load_predictions()) == 1


def test_a_server_that_is_down_stops_the_run_at_once(tmp_path: Path, held_out: Path) -> None:
    with ModelServer(always=BY_NAME["unavailable"]) as server:
        result = invoke("--held-out", held_out, "--out", tmp_path / "run", "--endpoint-url", server.url, "--timeout", 1)
    assert isinstance(result.exception, ModelError)
    assert result.exception.exit_code == 4
    assert not (tmp_path / "run").exists()


def test_limit_takes_the_first(tmp_path: Path, held_out: Path) -> None:
    words = ("--held-out", held_out, "--out", tmp_path / "run", "--baseline", "locator")
    assert invoke(*words, "--limit", 2).exit_code == 0
    assert [number for _, number in RunFolder(tmp_path / "run").load_predictions()] == [1, 2]
    assert invoke(*words).exit_code == 0
    assert len(RunFolder(tmp_path / "run").load_predictions()) == 3


def test_settings_of_the_product_are_options(tmp_path: Path, held_out: Path) -> None:
    with ModelServer() as server:
        words = ("--held-out", held_out, "--out", tmp_path / "run", "--endpoint-url", server.url)
        assert invoke(*words, "--max-comments", 1, "--exclude", "README.md", "--candidate", "few").exit_code == 0
    run = RunFolder(tmp_path / "run")
    assert (run.load_run().candidate, run.load_run().settings["max_comments"]) == ("few", 1)
    posted = [sum(one.posted for one in prediction.comments) for prediction in run.load_predictions().values()]
    assert posted == [1, 1, 1]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--baseline", "best"], "There is no baseline 'best'"),
        (["--baseline", "retrieval"], "copies training comments"),
        (["--max-comments", "many"], "max-comments"),
        (["--baseline", "silent", "--model", "x"], "--model does not go with --baseline"),
        (["--baseline", "all", "--endpoint-url", "http://127.0.0.1:9"], "--endpoint-url does not go"),
        (["--baseline", "silent", "--candidate", "x"], "--candidate does not go"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, held_out: Path, words: list[str], what: str) -> None:
    result = invoke("--held-out", held_out, "--out", tmp_path / "run", *words)
    assert isinstance(result.exception, UsageError)
    assert what in result.exception.what


def test_a_model_that_the_environment_names_is_for_others(
    tmp_path: Path, held_out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOSSATOR_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GLOSSATOR_MODEL", "x")
    assert invoke("--held-out", held_out, "--out", tmp_path / "run", "--baseline", "silent").exit_code == 0


def test_a_set_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text("[]\n")
    result = invoke("--held-out", tmp_path / "set.jsonl", "--out", tmp_path / "run", "--baseline", "silent")
    assert isinstance(result.exception, EvalError)
