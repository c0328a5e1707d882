"""The cases with a real model: that it is measured, not that it is clever."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.case_files import load_cases
from evals.case_run import count_directional, render_results, run_cases
from evals.content_store import ContentStore
from evals.remembered import RememberedModel
from evals.run import ReviewerCandidate
from reviewer.settings import merge_settings
from tests.real_models import get_smollm2

NAMES = ("rename-only", "title-bug-free", "off-by-one-cpp")


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_real_model_is_measured_on_the_cases(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    from reviewer.local_model import LocalModel

    settings = replace(merge_settings({}, {}, embedded=True), concurrency=1)
    model = LocalModel(get_smollm2())
    case_set = load_cases(NAMES)
    with ContentStore(tmp_path / "answers.sqlite") as store:
        remembered = RememberedModel(model, store)
        reviewer = ReviewerCandidate("smollm2", remembered, settings)
        results = await run_cases(case_set, settings, "smollm2", model.version, reviewer)
        again = await run_cases(case_set, settings, "smollm2", model.version, reviewer)

    assert results == again, "answers are remembered"
    assert not results.broken
    by_name = {(case.group, case.name): case for case in results.cases}
    assert len(by_name) == 4
    title = by_name["model-invariance", "title-bug-free"]
    assert title.outcome in {"passed", "not-applicable"}, "the prompts are the same, and so are the answers"
    directional = [case for case in results.cases if case.group == "model-directional"]
    for case in directional:
        assert case.directional is None or 0 <= case.directional.rank <= 1, case
    assert count_directional(results)["cases"] == sum(case.directional is not None for case in directional)
    assert "model-directional" in render_results(results)
