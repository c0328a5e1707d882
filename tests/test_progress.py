from __future__ import annotations

import sys
import time

import pytest

from reviewer.progress import ProgressLine, render_pieces, render_progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def run_download(line: ProgressLine, clock: Clock, seconds: float) -> None:
    line.note("Downloading.")
    for done in range(0, 101, 10):
        line.advance("file", done * 10**6, 100 * 10**6)
        clock.now += seconds / 10
    line.note("Done.")


def test_a_line_says_how_far_how_fast_and_how_long() -> None:
    line = render_progress("file", 250_000_000, 1_000_000_000, 5_000_000.0)
    assert line == "  file [######------------------] 250 of 1,000 MB  5.0 MB/s  2:30 left"
    assert render_progress("file", 0, 0, 0).startswith("  file [---")


def test_a_quick_download_says_nothing_in_a_log(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    run_download(ProgressLine(), clock, 5)
    assert capsys.readouterr().err == "Downloading.\nDone.\n"


def test_a_slow_download_says_something_now_and_then(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    run_download(ProgressLine(), clock, 50)
    err = capsys.readouterr().err
    assert err == "Downloading.\n  file: 20 %\n  file: 40 %\n  file: 60 %\n  file: 80 %\n  file: 100 %\nDone.\n"


def test_a_terminal_gets_one_line_that_is_drawn_over(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run_download(ProgressLine(), clock, 50)
    err = capsys.readouterr().err
    assert err.count("\n") == 2
    assert err.count("\r  file [") == 10
    assert "50 of 100 MB  2.0 MB/s  0:25 left" in err
    assert err.endswith("\rDone.\n")


def test_the_pieces_line_says_what_the_model_does_since_when_and_for_how_long() -> None:
    first = "  Reading the guidelines and the change [------------------------] 0 of 4  1:05"
    assert render_pieces(0, 4, 65.4, 0) == first
    later = "  Asking the model [######------------------] 1 of 4  0:25"
    assert render_pieces(1, 4, 25, 20) == f"{later}, about 0:55 left"
    assert render_pieces(1, 4, 25, 5) == later, "it took longer than thought"


def test_pieces_are_not_counted_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine() as line:
        line.count(0, 4)
        line.count(1, 4)
    assert not capsys.readouterr().err


def test_pieces_are_counted_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("reviewer.progress.TICK", 0.01)
    with ProgressLine() as line:
        line.count(0, 4)
        seen = ""
        for _ in range(500):
            seen += capsys.readouterr().err
            if seen.count("\r") > 1:
                break
            time.sleep(0.01)
        line.count(1, 4)
        line.count(4, 4)
        after = capsys.readouterr().err
    assert "\r  Reading the guidelines and the change" in seen
    assert seen.count("\r") > 1, "the line shows the time while nothing comes"
    assert "\r  Asking the model [######------------------] 1 of 4" in after
    assert after.endswith(" \r"), "the line is gone at the end"


def be_interrupted() -> None:
    with ProgressLine() as line:
        line.count(0, 4)
        raise KeyboardInterrupt


def test_an_interrupted_line_is_wiped_and_fits_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    with pytest.raises(KeyboardInterrupt):
        be_interrupted()
    err = capsys.readouterr().err
    assert err.endswith("\r" + " " * 29 + "\r")
    assert max(map(len, err.split("\r"))) == 29
