"""The calibration error is what can be worked out by hand, and 0 for who is right about the probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.calibration import MassBin, bin_by_mass, estimate_calibration_error, expect_calibration_error

SAID = np.array([0.9, 0.1, 0.5, 0.3, 0.7, 0.3])
RIGHT = np.array([True, False, True, True, False, False])


def test_the_error_is_the_one_worked_out_by_hand() -> None:
    # .1 .3 .3 | .5 .7 .9: means .7/3 and 2.1/3 are said, 1/3 and 2/3 are seen.
    found = bin_by_mass(SAID, RIGHT, 2)
    assert [one.said for one in found] == pytest.approx([0.7 / 3, 2.1 / 3])
    assert [one.seen for one in found] == pytest.approx([1 / 3, 2 / 3])
    assert [one.items for one in found] == [3, 3]
    assert expect_calibration_error(SAID, RIGHT, 2) == pytest.approx((0.3 + 0.1) / 6)


def test_items_of_one_probability_share_a_bin_and_their_order_says_nothing() -> None:
    said, right = np.array([0.25, 0.25, 0.25, 0.25, 0.75]), np.array([True, False, False, False, True])
    assert bin_by_mass(said, right, 5) == [MassBin(0.25, 0.25, 4), MassBin(0.75, 1.0, 1)]
    for order in ([3, 2, 1, 0, 4], [4, 0, 2, 1, 3]):
        assert bin_by_mass(said[order], right[order], 5) == bin_by_mass(said, right, 5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), off=st.sampled_from([0.0, 0.1]))
def test_who_says_what_is_so_has_no_error_and_who_is_off_has_as_much(seed: int, off: float) -> None:
    chance = np.random.default_rng(seed)
    likely = chance.uniform(0.1, 0.9, 40_000)
    error = expect_calibration_error(likely + off, chance.random(len(likely)) < likely)
    assert error == pytest.approx(off, abs=0.015)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), st.integers(1, 12))
def test_all_items_are_in_bins_and_the_error_is_a_share(items: list[tuple[float, bool]], bins: int) -> None:
    said, right = np.array([one[0] for one in items]), np.array([one[1] for one in items])
    found = bin_by_mass(said, right, bins)
    assert sum(one.items for one in found) == len(items)
    assert len(found) <= bins
    assert 0 <= expect_calibration_error(said, right, bins) <= 1 + 1e-12
    whole = estimate_calibration_error([said], [right], bins, draws=5)
    assert whole.value == pytest.approx(expect_calibration_error(said, right, bins))


def test_the_interval_covers_the_true_error_and_is_about_pull_requests() -> None:
    covered, widths = 0, []
    for seed in range(60):
        chance = np.random.default_rng(seed)
        likely = [np.full(10, each) for each in chance.uniform(0.05, 0.5, 200)]
        right = [chance.random(10) < one for one in likely]
        found = estimate_calibration_error([one + 0.08 for one in likely], right, draws=200)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.08 <= found.high
        widths.append(found.high - found.low)
        assert found.pull_requests == 200
    assert covered >= 54
    chance = np.random.default_rng(0)
    same = [np.full(10, chance.random() < 0.3) for _ in range(200)]
    clustered = estimate_calibration_error([np.full(10, 0.4)] * 200, same, draws=200)
    assert clustered.low is not None
    assert clustered.high is not None
    assert clustered.high - clustered.low > 1.5 * max(widths)
